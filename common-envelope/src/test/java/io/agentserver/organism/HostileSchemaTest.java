package io.agentserver.organism;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Small schemas that would keep every machine busy or fill its heap. Each must be refused by counting, with our own reason:
 * were it compiled, these tests would not end.
 */
class HostileSchemaTest {

    private static final String LEAF = "<xs:simpleType name='u0'><xs:restriction base='xs:int'/></xs:simpleType>";

    private static String times(int n, IntFunction<String> part) {
        return IntStream.range(0, n).mapToObj(part).collect(Collectors.joining());
    }

    private static String schema(String inside) {
        return "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>" + inside + "</xs:schema>";
    }

    private static String root(String model) {
        return "<xs:element name='R'><xs:complexType>" + model + "</xs:complexType></xs:element>";
    }

    private static String simple(String restriction) {
        return "<xs:element name='R'><xs:simpleType>" + restriction + "</xs:simpleType></xs:element>";
    }

    private static String pattern(String pattern) {
        return simple("<xs:restriction base='xs:string'><xs:pattern value='" + pattern + "'/></xs:restriction>");
    }

    private static void assertRefused(String inside, String reason) {
        assertThat(XsdReader.read(schema(inside), "R", new SchemaBudget()))
                .isInstanceOfSatisfying(
                        XsdReading.Refused.class,
                        refused -> assertThat(refused.flaws()).anySatisfy(flaw -> {
                            assertThat(flaw.reason()).contains(reason);
                            assertThat(flaw.remedy()).isNotBlank();
                        }));
    }

    private static PayloadType usable(String inside) {
        XsdReading reading = XsdReader.read(schema(inside), "R", new SchemaBudget());
        assertThat(reading).isInstanceOf(XsdReading.Usable.class);
        return ((XsdReading.Usable) reading).type();
    }

    @ParameterizedTest
    @ValueSource(strings = {"<xs:group ref='g0'/>", "<xs:sequence/>"})
    void groups_that_hold_nothing_but_groups_are_counted_used_or_not(String model) {
        assertRefused(
                times(
                                11,
                                i -> "<xs:group name='g" + i + "'><xs:sequence>"
                                        + ("<xs:group ref='g" + (i + 1) + "'/>").repeat(10)
                                        + "</xs:sequence></xs:group>")
                        + "<xs:group name='g11'><xs:sequence/></xs:group>" + root(model),
                "content models are too large");
    }

    @Test
    void repetitions_of_nothing_are_counted() {
        assertRefused(
                root("<xs:sequence minOccurs='100' maxOccurs='100'>".repeat(10) + "</xs:sequence>".repeat(10)),
                "content models are too large");
    }

    @Test
    void a_restriction_is_compared_to_its_base() {
        String many = times(600, i -> "<xs:element name='e" + i + "'/>");
        assertRefused(
                "<xs:complexType name='B'><xs:sequence>" + many + "</xs:sequence></xs:complexType>"
                        + root("<xs:complexContent><xs:restriction base='B'><xs:sequence>" + many
                                + "</xs:sequence></xs:restriction></xs:complexContent>"),
                "content models are too large");
    }

    @Test
    void namespaces_of_a_wildcard_are_counted() {
        assertRefused(
                root("<xs:sequence><xs:any namespace='" + times(2000, i -> " u:" + i) + "'/></xs:sequence>"),
                "content models are too large");
    }

    @Test
    void who_may_stand_for_an_element_is_counted() {
        String group = times(90, i -> "<xs:element name='s" + i + "' substitutionGroup='h'/>");
        assertRefused(
                "<xs:element name='h'/>" + group
                        + root("<xs:choice>" + "<xs:element ref='h'/>".repeat(20) + "</xs:choice>"),
                "content models are too large");
        assertRefused(
                "<xs:element name='h'/>" + group + group.replace("name='s", "name='t") + root("<xs:sequence/>"),
                "substitutionGroup");
    }

    @Test
    void attribute_groups_are_counted_as_often_as_they_are_referred_to() {
        assertRefused(
                times(
                                11,
                                i -> "<xs:attributeGroup name='g" + i + "'>"
                                        + ("<xs:attributeGroup ref='g" + (i + 1) + "'/>").repeat(10)
                                        + "</xs:attributeGroup>")
                        + "<xs:attributeGroup name='g11'/>" + root("<xs:attributeGroup ref='g0'/>"),
                "over 1000 attributes");
    }

    @Test
    void unions_of_unions_are_counted() {
        String unions = LEAF
                + times(
                        8,
                        i -> "<xs:simpleType name='u" + (i + 1) + "'><xs:union memberTypes='"
                                + ("u" + i + " ").repeat(10) + "'/></xs:simpleType>");
        assertRefused(unions + "<xs:element name='R' type='u8'/>", "member types");
        assertRefused(unions + simple("<xs:list itemType='u8'/>"), "member types");
        assertRefused(
                unions
                        + simple("<xs:union>" + "<xs:simpleType><xs:restriction base='u1'/></xs:simpleType>".repeat(7)
                                + "</xs:union>"),
                "member types");
    }

    @Test
    void values_of_a_union_are_counted_with_its_members() {
        assertRefused(
                "<xs:simpleType name='U'><xs:union memberTypes='" + "xs:date ".repeat(63)
                        + "xs:string'/></xs:simpleType><xs:simpleType name='L'><xs:list itemType='U'/></xs:simpleType>"
                        + simple("<xs:restriction base='L'>"
                                + ("<xs:enumeration value='" + "x ".repeat(6000) + "'/>").repeat(4)
                                + "</xs:restriction>"),
                "too costly to compile");
    }

    @Test
    void long_chains_of_references_do_not_reach_the_compilers_stack() {
        String[] chains = {
            "<xs:simpleType name='s%1$d'><xs:restriction base='s%2$d'/></xs:simpleType>",
            "<xs:simpleType name='s%1$d'><xs:list itemType='s%2$d'/></xs:simpleType>",
            "<xs:simpleType name='s%1$d'><xs:union memberTypes='s%2$d'/></xs:simpleType>",
            "<xs:complexType name='s%1$d'><xs:complexContent><xs:extension base='s%2$d'/></xs:complexContent></xs:complexType>",
            "<xs:group name='s%1$d'><xs:sequence><xs:group ref='s%2$d'/></xs:sequence></xs:group>",
            "<xs:attributeGroup name='s%1$d'><xs:attributeGroup ref='s%2$d'/></xs:attributeGroup>",
            "<xs:element name='s%1$d' substitutionGroup='s%2$d'/>",
        };
        for (String chain : chains) {
            assertRefused(root("<xs:sequence/>") + times(500, i -> chain.formatted(500 - i, 499 - i)), "over 50 deep");
        }
    }

    @Test
    void elements_may_refer_to_each_other_without_end() {
        usable(root("<xs:sequence><xs:element ref='e0' minOccurs='0'/></xs:sequence>")
                + times(
                        300,
                        i -> "<xs:element name='e" + i + "'><xs:complexType><xs:sequence><xs:element ref='e"
                                + (i + 1) % 300 + "' minOccurs='0'/></xs:sequence></xs:complexType></xs:element>"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "((a{1000}){1000}){100}",
                "((a{100}){300}){100}",
                "(((((ab){10}){10}){10}){10}){10,}",
                "((a|b{100}){10}){20}",
            })
    void patterns_are_measured_with_their_numbers_written_out(String pattern) {
        assertRefused(pattern(pattern), "too large once its numbers are written out");
    }

    @Test
    void brackets_of_patterns_are_not_followed_for_ever() {
        assertRefused(pattern("(".repeat(20_000) + "a" + ")".repeat(20_000)), "nested too deep");
        assertRefused(pattern("[a-z-".repeat(3000) + "[a]" + "]".repeat(3000)), "nested too deep");
        usable(pattern("(".repeat(40) + "a" + ")".repeat(40)));
    }

    @Test
    void classes_of_patterns_are_small() {
        assertRefused(pattern("[" + "\\p{L}!".repeat(200) + "]"), "too large");
        assertRefused(pattern("[" + times(2000, i -> Character.toString(0x9000 - 2 * i)) + "]"), "too large");
        assertRefused(
                times(70, n -> pattern("[" + "ca".repeat(240) + "]{10}").replace("'R'", "'R" + n + "'"))
                        + root("<xs:sequence/>"),
                "too costly to compile");
        usable(pattern("[\\p{L}\\p{M}\\p{N} .,_-]{1,80}"));
    }

    @Test
    void all_patterns_of_a_schema_are_counted_together() {
        assertRefused(
                times(200, n -> pattern("a{9000}").replace("'R'", "'R" + n + "'")) + root("<xs:sequence/>"),
                "too costly to compile");
    }

    @Test
    void a_refused_pattern_is_not_repeated_whole() {
        assertThat(XsdReader.read(schema(pattern("(a+)+".repeat(1000))), null, new SchemaBudget()))
                .isInstanceOfSatisfying(
                        XsdReading.Refused.class,
                        refused -> assertThat(refused.flaws())
                                .allSatisfy(flaw -> assertThat(flaw.reason()).hasSizeLessThan(300)));
    }

    @Test
    void the_schemas_of_an_organism_share_one_budget() {
        StringBuilder yaml = new StringBuilder("organism: {name: many}\nlisteners:\n");
        for (int i = 0; i < 200; i++) {
            yaml.append("  - {name: l" + i + ", description: d, handler: builtin:echo, payload: {xsd: \""
                    + schema("<xs:element name='R" + i + "'><xs:complexType><xs:sequence maxOccurs='450'>"
                            + "<xs:element name='a' type='xs:int'/></xs:sequence></xs:complexType></xs:element>")
                    + "\"}}\n");
        }
        assertThat(Organisms.errors(yaml.toString())).hasSizeGreaterThan(190).allSatisfy(error -> {
            assertThat(error.reason()).contains("too costly to compile");
            assertThat(error.remedy()).isNotBlank();
        });
        assertThat(Organisms.errors(yaml.toString()).getFirst().line()).isBetween(3, 6);
    }

    @Test
    void an_xsd_that_listeners_share_by_an_alias_is_read_once() {
        String shared = schema(root("<xs:sequence maxOccurs='450'><xs:element name='a' type='xs:int'/></xs:sequence>"));
        StringBuilder yaml = new StringBuilder("organism: {name: many}\nlisteners:\n");
        for (int i = 0; i < 100; i++) {
            yaml.append("  - {name: l" + i + ", description: d, broadcast: true, handler: builtin:echo, payload: {xsd: "
                    + (i == 0 ? "&x \"" + shared + "\"" : "*x") + "}}\n");
        }
        var listeners = Organisms.valid(yaml.toString()).listeners();

        assertThat(listeners.get(99).payload()).isSameAs(listeners.get(0).payload());
    }

    @Test
    void long_least_lengths_do_not_make_long_examples() {
        PayloadType attributes = usable(
                "<xs:simpleType name='T'><xs:restriction base='xs:string'><xs:minLength value='262144'/></xs:restriction></xs:simpleType>"
                        + root(times(700, i -> "<xs:attribute name='a" + i + "' type='T' use='required'/>")));
        assertThat(attributes.example()).isEqualTo("<R/>");

        PayloadType fields = Organisms.payload(
                "payload: {root: R, fields: {" + times(200, i -> "A" + i + ": {type: string, min: 262144}, ") + "}}");
        assertThat(fields.example()).isEqualTo("<R/>");
        assertThat(Organisms.payload("payload: {root: R, fields: {A: {type: string, min: 300}}}")
                        .example())
                .hasSize(300 + "<R><A></A></R>".length());
    }

    @Test
    void a_walk_that_finds_nothing_to_show_ends() {
        // two ways at each of seven levels, and nothing at the bottom
        String groups = times(
                7,
                i -> "<xs:group name='g" + i + "'><xs:sequence>" + ("<xs:group ref='g" + (i + 1) + "'/>").repeat(2)
                        + "</xs:sequence></xs:group>");
        assertThat(usable(groups + "<xs:group name='g7'><xs:sequence/></xs:group>" + root("<xs:group ref='g0'/>"))
                        .example())
                .isEqualTo("<R></R>");
    }

    @Test
    void many_texts_cannot_keep_a_pattern_busy_that_each_of_them_could() {
        PayloadType type = usable(
                root("<xs:sequence><xs:element name='a' type='P' maxOccurs='unbounded'/></xs:sequence>")
                        + "<xs:simpleType name='P'><xs:restriction base='xs:string'><xs:pattern value='[a-z]*[a-y]*[a-x]*'/></xs:restriction></xs:simpleType>");

        assertThat(type.validate("<R>" + ("<a>" + "a".repeat(170) + "!</a>").repeat(1000) + "</R>"))
                .last()
                .extracting(Problem::reason)
                .asString()
                .contains("too much for the patterns");
        assertThat(type.validate("<R>" + "<a>abc</a>".repeat(1000) + "</R>")).isEmpty();
    }

    @Test
    void texts_without_a_pattern_are_free_beside_those_with_one() {
        PayloadType type = usable(
                root(
                                "<xs:sequence maxOccurs='unbounded'><xs:element name='mail' type='Mail'/><xs:element name='text' type='xs:string'/></xs:sequence>")
                        + "<xs:simpleType name='Mail'><xs:restriction base='xs:string'><xs:pattern value='[^@]+@[^@]+\\.[a-z]{2,10}'/></xs:restriction></xs:simpleType>");

        assertThat(type.validate("<R>"
                        + ("<mail>ann@example.org</mail><text>" + "x y ".repeat(100) + "</text>").repeat(500)
                        + "</R>"))
                .isEmpty();
    }

    @Test
    void a_list_of_a_union_takes_no_more_words_than_it_can_try() {
        PayloadType type = usable("<xs:simpleType name='U'><xs:union memberTypes='" + "xs:date ".repeat(60)
                + "xs:string'/></xs:simpleType>" + simple("<xs:list itemType='U'/>"));

        assertThat(type.validate("<R>" + "x ".repeat(100_000) + "</R>"))
                .singleElement()
                .extracting(Problem::reason)
                .asString()
                .contains("too much for the patterns, unions or keys");
        assertThat(type.validate("<R>" + "x ".repeat(100) + "</R>")).isEmpty();
    }

    @Test
    void keys_are_few_and_compared_with_few() {
        String unique = "<xs:unique name='u%1$d'><xs:selector xpath='.//a'/><xs:field xpath='.'/></xs:unique>";
        String model = "<xs:element name='R'><xs:complexType><xs:sequence><xs:element ref='R' minOccurs='0'/>"
                + "<xs:element name='a' type='xs:int' minOccurs='0' maxOccurs='unbounded'/></xs:sequence></xs:complexType>"
                + "%s</xs:element>";
        assertRefused(model.formatted(times(100, unique::formatted)), "keys have over 32 paths");

        PayloadType type = usable(model.formatted(unique.formatted(1)));
        String many = times(4000, i -> "<a>" + i + "</a>");
        assertThat(type.validate("<R>" + many + "</R>")).isEmpty();
        assertThat(type.validate("<R>".repeat(60) + many + "</R>".repeat(60)))
                .last()
                .extracting(Problem::reason)
                .asString()
                .contains("too much for the patterns, unions or keys");
    }

    @Test
    void nothing_is_fetched_for_a_schema_or_for_what_is_read_with_it() throws IOException {
        try (ServerSocketChannel stranger =
                ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            stranger.configureBlocking(false);
            String url = "http://127.0.0.1:" + stranger.socket().getLocalPort() + "/x";
            String instance = " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:schemaLocation='urn:a " + url
                    + "' i:noNamespaceSchemaLocation='" + url + "'";
            String usable = root("<xs:sequence><xs:any processContents='lax' minOccurs='0'/></xs:sequence>"
                    + "<xs:anyAttribute processContents='lax'/>");
            for (String hostile : List.of(
                    schema("<xs:import namespace='urn:a' schemaLocation='" + url + "'/>" + usable),
                    schema("<xs:include schemaLocation='" + url + "'/>" + usable),
                    schema("<xs:redefine schemaLocation='" + url + "'/>" + usable),
                    schema("<xs:override schemaLocation='" + url + "'/>" + usable),
                    "<!DOCTYPE x SYSTEM '" + url + "'>" + schema(usable),
                    "<!DOCTYPE x [<!ENTITY % p SYSTEM '" + url + "'>%p;]>" + schema(usable),
                    "<!DOCTYPE x [<!ENTITY e SYSTEM '" + url + "'>]>" + schema("&e;" + usable))) {
                assertThat(XsdReader.read(hostile, "R", new SchemaBudget()))
                        .as(hostile)
                        .isInstanceOf(XsdReading.Refused.class);
            }
            XsdReading located = XsdReader.read(
                    schema(usable).replace("<xs:schema", "<xs:schema" + instance), "R", new SchemaBudget());
            PayloadType type = located instanceof XsdReading.Usable(PayloadType read) ? read : usable(usable);
            type.validate("<R" + instance + "><a xmlns='urn:a'" + instance + "/></R>");
            type.validate("<!DOCTYPE R SYSTEM '" + url + "'><R/>");

            assertThat(stranger.accept()).as("who connected").isNull();
        }
    }

    @Test
    void entities_of_a_schema_are_not_even_counted() {
        String bomb = "<!ENTITY e0 'xx'>"
                + times(30, i -> "<!ENTITY e" + (i + 1) + " '" + ("&e" + i + ";").repeat(10) + "'>");
        assertThat(XsdReader.read("<!DOCTYPE x [" + bomb + "]>" + schema("&e30;"), "R", new SchemaBudget()))
                .isInstanceOfSatisfying(
                        XsdReading.Refused.class,
                        refused -> assertThat(refused.flaws())
                                .singleElement()
                                .extracting(XsdReading.Flaw::reason)
                                .asString()
                                .contains("DOCTYPE"));
    }

    @Test
    void documents_are_read_in_time_that_grows_with_their_size() {
        assertThat(Organisms.errors("organism: {name: x}\n" + " ".repeat(1_000_000)))
                .singleElement()
                .satisfies(error -> {
                    assertThat(error.line()).isEqualTo(2);
                    assertThat(error.reason()).isEqualTo("the line is over 128 Ki characters");
                });
        assertThat(Organisms.errors("a: [" + "[],\n".repeat(250_000) + "]"))
                .singleElement()
                .extracting(OrganismError::reason)
                .asString()
                .contains("keys, values and brackets");
    }

    @Test
    void errors_do_not_repeat_what_an_alias_repeats() {
        assertThat(Organisms.errors("? " + "k".repeat(100_000) + "\n: 1\n"))
                .allSatisfy(error -> assertThat(error.reason()).hasSizeLessThan(1100));
    }
}
