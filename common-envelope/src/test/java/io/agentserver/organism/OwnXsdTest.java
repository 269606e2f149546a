package io.agentserver.organism;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class OwnXsdTest {

    private static final String ORDER = """
            <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:o="urn:orders" targetNamespace="urn:orders"
                elementFormDefault="qualified">
              <xs:element name="Order">
                <xs:complexType>
                  <xs:sequence>
                    <xs:element name="Line" type="o:Line" maxOccurs="unbounded"/>
                    <xs:choice><xs:element name="Card" type="xs:string"/><xs:element name="Cash" type="xs:boolean"/></xs:choice>
                    <xs:element ref="o:Remark" minOccurs="0"/>
                  </xs:sequence>
                  <xs:attribute name="number" type="xs:positiveInteger" use="required"/>
                </xs:complexType>
              </xs:element>
              <xs:element name="Remark" type="xs:string"/>
              <xs:complexType name="Line">
                <xs:simpleContent><xs:extension base="o:Code"><xs:attribute name="size" type="o:Size" use="required"/></xs:extension></xs:simpleContent>
              </xs:complexType>
              <xs:simpleType name="Code"><xs:restriction base="xs:string"><xs:maxLength value="8"/></xs:restriction></xs:simpleType>
              <xs:simpleType name="Size"><xs:restriction base="xs:string"><xs:enumeration value="S"/><xs:enumeration value="L"/></xs:restriction></xs:simpleType>
            </xs:schema>
            """;

    private static PayloadType usable(String xsd, String root) {
        XsdReading reading = XsdReader.read(xsd, root.isEmpty() ? null : root, new SchemaBudget());
        assertThat(reading).isInstanceOf(XsdReading.Usable.class);
        return ((XsdReading.Usable) reading).type();
    }

    private static List<XsdReading.Flaw> flaws(String xsd) {
        XsdReading reading = XsdReader.read(xsd, null, new SchemaBudget());
        assertThat(reading).isInstanceOf(XsdReading.Refused.class);
        return ((XsdReading.Refused) reading).flaws();
    }

    private static String schema(String inside) {
        return "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>" + inside + "</xs:schema>";
    }

    private static String pattern(String pattern) {
        return schema("<xs:element name='R'><xs:simpleType><xs:restriction base='xs:string'><xs:pattern value='"
                + pattern + "'/></xs:restriction></xs:simpleType></xs:element>");
    }

    @Test
    void its_root_is_the_single_global_element_or_the_named_one() {
        assertThat(usable(schema("<xs:element name='A' type='xs:int'/>"), "").root())
                .isEqualTo("A");
        PayloadType order = usable(ORDER, "Order");
        assertThat(order.root()).isEqualTo("Order");
        assertThat(order.namespace()).isEqualTo("urn:orders");
        assertThat(order.declaredByFields()).isFalse();
        assertThat(flaws(ORDER))
                .singleElement()
                .extracting(XsdReading.Flaw::reason)
                .asString()
                .contains("several global elements: Order, Remark");
    }

    @Test
    void another_global_element_of_the_schema_is_not_the_payload() {
        assertThat(usable(ORDER, "Order").validate("<Remark xmlns='urn:orders'>x</Remark>"))
                .containsExactly(new Problem("/Remark", "is not the expected root element <{urn:orders}Order>"));
    }

    @Test
    void validates_attributes_namespaces_and_choices() {
        PayloadType order = usable(ORDER, "Order");
        String valid =
                "<o:Order xmlns:o='urn:orders' number='7'><o:Line size='L'>abc</o:Line><o:Cash>true</o:Cash></o:Order>";

        assertThat(order.validate(valid)).isEmpty();
        assertThat(order.validate(valid.replace("'L'", "'XL'")))
                .containsExactly(new Problem("/Order/Line", "is none of the allowed values: S, L"));
        assertThat(order.validate(valid.replace(" number='7'", "")))
                .containsExactly(new Problem("/Order", "lacks a required attribute: number"));
        assertThat(order.validate(valid.replace("<o:Cash>true</o:Cash>", "<o:Coin/>")))
                .containsExactly(
                        new Problem("/Order/Coin", "is not expected here; expected: <Line> or <Card> or <Cash>"));
    }

    @Test
    void makes_a_valid_example_by_walking_through_the_schema() {
        PayloadType order = usable(ORDER, "Order");

        assertThat(order.example())
                .isEqualTo(
                        "<Order xmlns=\"urn:orders\" number=\"1\"><Line size=\"S\">…</Line><Card>…</Card><Remark>…</Remark></Order>");
        assertThat(order.validate(order.example())).isEmpty();
    }

    @Test
    void a_recursive_schema_has_an_example_too() {
        PayloadType tree = usable(
                schema(
                        "<xs:element name='Node'><xs:complexType><xs:sequence><xs:element name='Label' type='xs:string'/>"
                                + "<xs:element ref='Node' minOccurs='0' maxOccurs='unbounded'/></xs:sequence></xs:complexType></xs:element>"),
                "");

        assertThat(tree.validate(tree.example())).isEmpty();
        assertThat(tree.example()).contains("<Label>…</Label>");
    }

    @Test
    void an_intricate_schema_has_its_root_as_example() {
        assertThat(usable(pattern("[A-Z]{3}-[0-9]{4}"), "").example()).isEqualTo("<R/>");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "<xs:import namespace='urn:a' schemaLocation='http://127.0.0.1:1/a.xsd'/> | xs:import",
                "<xs:include schemaLocation='file:///etc/passwd'/>                        | xs:include",
                "<xs:redefine schemaLocation='a.xsd'/>                                    | xs:redefine",
                "<xs:element name='B' type='xs:strin'/>                                   | xs:strin",
                "<xs:element name='B'><xs:simpleType><xs:restriction base='xs:string'><xs:pattern value='(a+)+'/></xs:restriction></xs:simpleType></xs:element> | could take for ever",
            })
    void refuses_what_fetches_or_does_not_compile(String inside, String reason) {
        assertThat(XsdReader.read(schema("<xs:element name='A' type='xs:int'/>" + inside), "A", new SchemaBudget()))
                .isInstanceOfSatisfying(
                        XsdReading.Refused.class,
                        refused -> assertThat(refused.flaws())
                                .anySatisfy(flaw -> assertThat(flaw.reason()).contains(reason)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "text",
                "<a/>",
                "<xs:schema",
                "<!DOCTYPE a><xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'/>",
                "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'/>",
                "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            })
    void anything_else_is_a_flaw_and_never_an_exception(String xsd) {
        assertThat(flaws(xsd))
                .isNotEmpty()
                .noneMatch(flaw ->
                        flaw.reason().contains("org.xml") || flaw.reason().contains("apache"));
    }

    @Test
    void bounds_size_and_depth() {
        assertThat(flaws(schema("<!--" + "x".repeat(70_000) + "-->")))
                .singleElement()
                .extracting(XsdReading.Flaw::reason)
                .asString()
                .contains("64 KiB");
        assertThat(flaws(schema("<xs:a>".repeat(9000)))).isNotEmpty();
    }

    @Test
    void the_line_of_a_flaw_is_that_of_the_document() {
        assertThat(Organisms.errors(Organisms.tool("""
                payload:
                  xsd: |
                    <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
                      <xs:element name="A" type="xs:strin"/>
                    </xs:schema>
                """))).singleElement().satisfies(error -> {
            assertThat(error.line()).isEqualTo(9);
            assertThat(error.reason())
                    .isEqualTo("listener 1: payload: the schema is wrong: the name 'xs:strin' is declared nowhere");
        });
    }

    @Test
    void the_platforms_own_elements_cannot_be_declared() {
        String xsd = ORDER.replace("urn:orders", "https://xml-pipeline.org/ns/core/v1")
                .replace("\n", " ");

        assertThat(Organisms.errors(Organisms.tool("payload: {root: Order, xsd: '" + xsd.replace("'", "''") + "'}")))
                .singleElement()
                .extracting(OrganismError::reason)
                .asString()
                .contains("the platform's own");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<xs:sequence maxOccurs='70'><xs:sequence maxOccurs='70'><xs:element name='a' type='xs:string'/></xs:sequence></xs:sequence>",
                "<xs:sequence maxOccurs='4000'><xs:element name='a' type='xs:string'/><xs:element name='b' type='xs:string'/></xs:sequence>",
                "<xs:sequence><xs:element name='a' type='xs:string' maxOccurs='99999999999'/></xs:sequence>",
                "<xs:group ref='G9'/>",
            })
    void refuses_content_models_that_would_take_seconds_to_build(String model) {
        StringBuilder groups = new StringBuilder(
                "<xs:group name='G0'><xs:sequence><xs:element name='x' type='xs:string'/><xs:element name='y' type='xs:string'/></xs:sequence></xs:group>");
        for (int i = 1; i < 10; i++) {
            groups.append("<xs:group name='G" + i + "'><xs:sequence>" + ("<xs:group ref='G" + (i - 1) + "'/>").repeat(2)
                    + "</xs:sequence></xs:group>");
        }
        assertThat(flaws(schema(
                        groups + "<xs:element name='R'><xs:complexType>" + model + "</xs:complexType></xs:element>")))
                .singleElement()
                .extracting(XsdReading.Flaw::reason)
                .asString()
                .contains("content models are too large");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"(a+)+", "(a|aa)*", "(a|b)+", "(a{0,9})*", "(a?b?)*", "((a{1,9}){1,9}){9}", "a*b*c*d*e*", "a{,3}"
            })
    void refuses_patterns_whose_cost_has_no_bound(String pattern) {
        assertThat(flaws(pattern(pattern)))
                .anySatisfy(flaw -> assertThat(flaw.reason()).contains("could take for ever"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "[A-Z]{3}-[0-9]{4,8}           ~ ABC-12345",
                "([0-9]{1,3}\\.){3}[0-9]{1,3}  ~ 127.0.0.1",
                "[^@]+@[^@]+\\.[a-z]{2,10}     ~ ann@example.org",
                "(red|green|blue)              ~ green",
                "[a-z-[aeiou]]*                ~ xyz",
                "\\p{Lu}\\d*                   ~ A1",
                "([0-9]{3} )*                  ~ '123 456 '",
                "\\(?[0-9]+\\)?                ~ (12",
            })
    void takes_the_patterns_that_people_write(String pattern, String text) {
        PayloadType type = usable(pattern(pattern), "");

        assertThat(type.validate("<R>" + text + "</R>")).isEmpty();
        assertThat(type.validate("<R>" + text + "§</R>"))
                .containsExactly(new Problem("/R", "does not match the pattern that the schema asks for"));
    }

    @Test
    @Timeout(30)
    void a_long_text_never_reaches_a_pattern_that_it_would_keep_busy() {
        PayloadType type = usable(pattern("[a-z]*[a-y]*[a-x]*"), "");

        assertThat(type.validate("<R>" + "a".repeat(100_000) + "!</R>"))
                .containsExactly(
                        new Problem("/R", "is longer than 177 characters, the most that this schema's patterns allow"));
        assertThat(org.junit.jupiter.api.Assertions.assertTimeout(
                        Duration.ofSeconds(20), () -> type.validate("<R>" + "a".repeat(176) + "!</R>")))
                .hasSize(1);
    }
}
