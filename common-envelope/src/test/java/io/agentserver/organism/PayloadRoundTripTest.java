package io.agentserver.organism;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** JSON → XML → valid → the same JSON, for any declared type and any value of it. jqwik prints the seed of each run. */
class PayloadRoundTripTest {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    record Payload(PayloadType type, JsonNode json) {}

    @Property(tries = 500)
    void what_fits_the_fields_is_valid_as_xml_and_comes_back_as_it_was(@ForAll("payloads") Payload payload) {
        Written written = PayloadJson.toXml(payload.json(), payload.type());

        assertThat(written).isInstanceOf(Written.Xml.class);
        String xml = ((Written.Xml) written).text();
        assertThat(payload.type().validate(xml)).isEmpty();
        assertThat(PayloadJson.toJson(xml, payload.type())).isEqualTo(payload.json());
    }

    @Property(tries = 200)
    void the_example_of_any_declared_type_is_valid(@ForAll("payloads") Payload payload) {
        assertThat(payload.type().validate(payload.type().example())).isEmpty();
    }

    @Property(tries = 500)
    void any_text_is_carried_or_refused_but_never_changed(@ForAll String text) {
        PayloadType type = PayloadType.ofFields("A", List.of(Field.of("B", FieldType.STRING)));
        ObjectNode json = JSON.objectNode();
        json.putObject("A").put("B", text);

        switch (PayloadJson.toXml(json, type)) {
            case Written.Xml xml -> {
                assertThat(type.validate(xml.text())).isEmpty();
                assertThat(PayloadJson.toJson(xml.text(), type)).isEqualTo(json);
            }
            case Written.Refused refused -> {
                assertThat(refused.pointer()).isEqualTo("/A/B");
                assertThat(XmlNames.isText(text)).isFalse();
            }
        }
    }

    @Property(tries = 500)
    void any_member_name_is_written_as_xml_that_can_be_read_or_refused(@ForAll String name) {
        ObjectNode json = JSON.objectNode();
        json.putObject("A").put(name, "x");

        if (PayloadJson.toXml(json, null) instanceof Written.Xml xml) {
            assertThat(PayloadJson.toJson(xml.text(), null))
                    .isEqualTo(name.equals("#text") ? JSON.objectNode().put("A", "x") : json);
        }
    }

    @Provide
    Arbitrary<Payload> payloads() {
        Arbitrary<String> name = Arbitraries.strings()
                .withChars("ABCxyzäßЖ名_")
                .ofMinLength(1)
                .ofMaxLength(6)
                .filter(XmlNames::isName);
        return name.flatMap(root -> name.list()
                .uniqueElements()
                .ofMaxSize(8)
                .flatMap(names -> fields(names).map(filled -> payload(root, filled))));
    }

    /** A field and the values that stand in one payload for it, as XML writes them. */
    record Filled(Field field, List<String> values) {}

    private static Arbitrary<List<Filled>> fields(List<String> names) {
        Arbitrary<List<Filled>> all = Arbitraries.just(List.of());
        for (String name : names) {
            all = Combinators.combine(all, field(name)).as((before, next) -> {
                List<Filled> longer = new ArrayList<>(before);
                longer.add(next);
                return longer;
            });
        }
        return all;
    }

    private static Arbitrary<Filled> field(String name) {
        return Combinators.combine(
                        Arbitraries.of(FieldType.class),
                        Arbitraries.of(true, false),
                        Arbitraries.of(true, false),
                        Arbitraries.of(true, false),
                        Arbitraries.integers().between(0, 20),
                        Arbitraries.integers().between(0, 20))
                .flatAs((type, bounded, optional, repeated, one, two) -> {
                    boolean bounds = bounded && (type.isNumber() || type == FieldType.STRING);
                    int min = Math.min(one, two);
                    int max = Math.max(one, two);
                    Field field = new Field(
                            name,
                            type,
                            bounded ? "Says <what> & \"why\"" : "",
                            bounds ? BigDecimal.valueOf(min) : null,
                            bounds ? BigDecimal.valueOf(max) : null,
                            optional,
                            repeated);
                    return value(type, bounds, min, max)
                            .list()
                            .ofMinSize(optional ? 0 : 1)
                            .ofMaxSize(repeated ? 4 : 1)
                            .map(values -> new Filled(field, values));
                });
    }

    private static Arbitrary<String> value(FieldType type, boolean bounds, int min, int max) {
        return switch (type) {
            case STRING ->
                Arbitraries.strings()
                        .withChars("aZ09 <>&'\"\r\n\t]é€")
                        .ofMinLength(bounds ? min : 0)
                        .ofMaxLength(bounds ? max : 30);
            case INT ->
                bounds
                        ? Arbitraries.integers().between(min, max).map(String::valueOf)
                        : Arbitraries.integers().map(String::valueOf);
            case LONG ->
                bounds
                        ? Arbitraries.longs().between(min, max).map(String::valueOf)
                        : Arbitraries.longs().map(String::valueOf);
            case DECIMAL ->
                (bounds
                                ? Arbitraries.bigDecimals().between(BigDecimal.valueOf(min), BigDecimal.valueOf(max))
                                : Arbitraries.bigDecimals())
                        .map(BigDecimal::toPlainString);
            case BOOLEAN -> Arbitraries.of("true", "false");
            case DATE -> Arbitraries.integers().between(1, 28).map(day -> "2024-02-%02d".formatted(day));
            case DATETIME ->
                Arbitraries.integers().between(0, 59).map(second -> "2024-02-29T23:59:%02d.5+02:00".formatted(second));
        };
    }

    private static Payload payload(String root, List<Filled> filled) {
        ObjectNode members = JSON.objectNode();
        for (Filled one : filled) {
            if (one.values().isEmpty()) {
                continue;
            }
            if (one.field().repeated()) {
                ArrayNode array = members.putArray(one.field().name());
                one.values().forEach(array::add);
            } else {
                members.put(one.field().name(), one.values().getFirst());
            }
        }
        ObjectNode json = JSON.objectNode();
        json.set(root, members);
        return new Payload(
                PayloadType.ofFields(root, filled.stream().map(Filled::field).toList()), json);
    }
}
