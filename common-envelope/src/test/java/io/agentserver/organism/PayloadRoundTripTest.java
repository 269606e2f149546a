package io.agentserver.organism;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * JSON → XML → valid → the same JSON, for any declared type and any value of it. A failure names its seed;
 * {@code -Dseed=…} runs that one again, alone.
 */
class PayloadRoundTripTest {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final List<FieldType> TYPES = List.of(FieldType.values());
    private static final String MARKUP = "<>&'\"=/![]-;#x0aZ \t\r\n\u007f\u0085\u00a0\u2028\ufeff\ufffd";
    private static final String FORBIDDEN_IN_XML = "\u0000\u0008\u001f\ufffe\uffff\ud800\udc00";

    record Payload(PayloadType type, JsonNode json) {}

    @Test
    void what_fits_the_fields_is_valid_as_xml_and_comes_back_as_it_was() {
        each(500, random -> {
            Payload payload = anyPayload(random);
            Written written = PayloadJson.toXml(payload.json(), payload.type());

            assertThat(written).isInstanceOf(Written.Xml.class);
            String xml = ((Written.Xml) written).text();
            assertThat(payload.type().validate(xml)).isEmpty();
            assertThat(PayloadJson.toJson(xml, payload.type())).isEqualTo(payload.json());
        });
    }

    @Test
    void the_example_of_any_declared_type_is_valid() {
        each(200, random -> {
            PayloadType type = anyPayload(random).type();
            assertThat(type.validate(type.example())).isEmpty();
        });
    }

    @Test
    void any_text_is_carried_or_refused_but_never_changed() {
        PayloadType type = PayloadType.ofFields("A", List.of(Field.of("B", FieldType.STRING)));
        each(500, random -> {
            String text = anyText(random);
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
        });
    }

    @Test
    void any_member_name_is_written_as_xml_that_can_be_read_or_refused() {
        each(500, random -> {
            String name = random.nextBoolean() ? anyText(random) : chars(random, "aé:#-_.0@ text", 0, 6);
            ObjectNode json = JSON.objectNode();
            json.putObject("A").put(name, "x");

            if (PayloadJson.toXml(json, null) instanceof Written.Xml xml) {
                assertThat(PayloadJson.toJson(xml.text(), null))
                        .isEqualTo(name.equals("#text") ? JSON.objectNode().put("A", "x") : json);
            }
        });
    }

    private static void each(int tries, Consumer<Random> property) {
        Long again = Long.getLong("seed");
        for (int i = 0; i < (again == null ? tries : 1); i++) {
            long seed = again == null ? RandomGenerator.getDefault().nextLong() : again;
            try {
                property.accept(new Random(seed));
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("-Dseed=" + seed + ": " + e.getMessage(), e);
            }
        }
    }

    /** Any text; much markup, and in a third of all texts what XML forbids, halves of pairs too. */
    private static String anyText(Random random) {
        String special = random.nextInt(3) == 0 ? MARKUP + FORBIDDEN_IN_XML : MARKUP;
        StringBuilder text = new StringBuilder();
        for (int left = random.nextInt(40); left > 0; left--) {
            switch (random.nextInt(3)) {
                case 0 -> text.append(one(random, special));
                case 1 -> text.append((char) random.nextInt(0x20, 0xd800));
                default -> text.appendCodePoint(random.nextInt(0x10000, 0x110000));
            }
        }
        return text.toString();
    }

    /** A type of up to eight fields of any kind, and a value of it. */
    private static Payload anyPayload(Random random) {
        List<Filled> fields = Stream.generate(() -> name(random))
                .limit(random.nextInt(9))
                .distinct()
                .map(name -> field(random, name))
                .toList();
        return payload(name(random), fields);
    }

    private static String name(Random random) {
        return Stream.generate(() -> chars(random, "ABCxyzäßЖ名_", 1, 6))
                .filter(XmlNames::isName)
                .findFirst()
                .orElseThrow();
    }

    /** A field and the values that stand in one payload for it, as XML writes them. */
    record Filled(Field field, List<String> values) {}

    private static Filled field(Random random, String name) {
        FieldType type = TYPES.get(random.nextInt(TYPES.size()));
        boolean bounds = random.nextBoolean() && (type.isNumber() || type == FieldType.STRING);
        boolean optional = random.nextBoolean();
        boolean repeated = random.nextBoolean();
        int min = random.nextInt(21);
        int max = between(random, min, 20);
        Field field = new Field(
                name,
                type,
                random.nextBoolean() ? "Says <what> & \"why\"" : "",
                bounds ? BigDecimal.valueOf(min) : null,
                bounds ? BigDecimal.valueOf(max) : null,
                optional,
                repeated);
        int count = between(random, optional ? 0 : 1, repeated ? 4 : 1);
        return new Filled(
                field,
                Stream.generate(() -> value(random, type, bounds, min, max))
                        .limit(count)
                        .toList());
    }

    private static String value(Random random, FieldType type, boolean bounds, int min, int max) {
        return switch (type) {
            case STRING -> chars(random, "aZ09 <>&'\"\r\n\t]é€", bounds ? min : 0, bounds ? max : 30);
            case INT ->
                String.valueOf(
                        bounds
                                ? between(random, min, max)
                                : edgeOr(random, Integer.MIN_VALUE, Integer.MAX_VALUE, random.nextInt()));
            case LONG ->
                String.valueOf(
                        bounds
                                ? between(random, min, max)
                                : edgeOr(random, Long.MIN_VALUE, Long.MAX_VALUE, random.nextLong()));
            case DECIMAL -> decimal(random, bounds, min, max).toPlainString();
            case BOOLEAN -> String.valueOf(random.nextBoolean());
            case DATE -> "2024-02-%02d".formatted(between(random, 1, 28));
            case DATETIME -> "2024-02-29T23:59:%02d.5+02:00".formatted(between(random, 0, 59));
        };
    }

    private static long edgeOr(Random random, long least, long most, long other) {
        long[] edges = {least, -1, 0, 1, most};
        return random.nextInt(4) == 0 ? edges[random.nextInt(edges.length)] : other;
    }

    private static BigDecimal decimal(Random random, boolean bounds, int min, int max) {
        int scale = random.nextInt(6);
        if (bounds) {
            BigDecimal fraction = BigDecimal.valueOf(random.nextInt(0, 101), 2);
            return BigDecimal.valueOf(min)
                    .add(BigDecimal.valueOf(max - min).multiply(fraction))
                    .setScale(scale, RoundingMode.HALF_EVEN)
                    .max(BigDecimal.valueOf(min))
                    .min(BigDecimal.valueOf(max));
        }
        BigDecimal number = new BigDecimal(new BigInteger(random.nextInt(200), random), scale);
        return random.nextBoolean() ? number : number.negate();
    }

    private static String chars(Random random, String from, int least, int most) {
        StringBuilder text = new StringBuilder();
        for (int left = between(random, least, most); left > 0; left--) {
            text.append(one(random, from));
        }
        return text.toString();
    }

    private static char one(Random random, String from) {
        return from.charAt(random.nextInt(from.length()));
    }

    /** Both bounds included, and often met. */
    private static int between(Random random, int least, int most) {
        return switch (random.nextInt(6)) {
            case 0 -> least;
            case 1 -> most;
            default -> random.nextInt(least, most + 1);
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
