package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PayloadJsonTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private static final PayloadType ORDER = Organisms.payload(
            "payload: {root: Order, fields: {Name: string, Count: int, Item: {type: string, repeated: true, optional: true}}}");

    private static String xml(String json, @Nullable PayloadType type) {
        Written written = PayloadJson.toXml(JSON.readTree(json), type);
        assertThat(written).isInstanceOf(Written.Xml.class);
        return ((Written.Xml) written).text();
    }

    private static String json(String xml, @Nullable PayloadType type) {
        return PayloadJson.toJson(xml, type).toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'Greeting':{'Name':'World'}}                | <Greeting><Name>World</Name></Greeting>",
                "{'A':'text'}                                 | <A>text</A>",
                "{'A':''}                                     | <A/>",
                "{'A':{'@id':'7','#text':'x'}}                | <A id=\"7\">x</A>",
                "{'A':{'B':['1','2'],'C':{'D':'3'}}}          | <A><B>1</B><B>2</B><C><D>3</D></C></A>",
                "{'A':'<&>\\\"'}                              | <A>&lt;&amp;&gt;\"</A>",
                "{'A':{'@b':'<&>\\\"\\n\\t'}}                 | <A b=\"&lt;&amp;&gt;&quot;&#xA;&#x9;\"/>",
                "{'A':'a\\rb'}                                | <A>a&#xD;b</A>",
                "{'A':{'@xmlns':'urn:a','B':'1'}}             | <A xmlns=\"urn:a\"><B>1</B></A>",
                "{'A':{'@xmlns':'urn:a','B':{'@xmlns':'','C':'1'}}} | <A xmlns=\"urn:a\"><B xmlns=\"\"><C>1</C></B></A>",
                "{'A':{'@xml:lang':'en','#text':'x'}}         | <A xml:lang=\"en\">x</A>",
            })
    void goes_both_ways(String json, String xml) {
        String quoted = json.replace('\'', '"');

        assertThat(xml(quoted, null)).isEqualTo(xml);
        assertThat(json(xml, null)).isEqualTo(quoted);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'A':{'B':1,'C':true,'D':null,'E':1.50,'F':12345678901234567890}} | <A><B>1</B><C>true</C><E>1.5</E><F>12345678901234567890</F></A>",
                "{'A':{'B':1e3,'C':1e-7}}     | <A><B>1000</B><C>0.0000001</C></A>",
                "{'A':null}                   | <A/>",
                "{'A':{}}                     | <A/>",
                "{'A':{'B':[]}}               | <A/>",
                "{'A':{'B':[null,'x']}}       | <A><B/><B>x</B></A>",
                "{'A':{'@xsi:type':'B','@xsi:nil':' xmlns:xsi='}} | <A xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"B\" xsi:nil=\" xmlns:xsi=\"/>",
            })
    void writes_numbers_nulls_and_empty_things(String json, String xml) {
        String written = xml(json.replace('\'', '"'), null);

        assertThat(written).isEqualTo(xml);
        assertThat(PayloadJson.toJson(written, null).has("A")).isTrue();
    }

    @Test
    void an_absurd_exponent_is_not_written_out() {
        assertThat(xml("{\"A\":1e999999}", null).length()).isLessThan(50);
    }

    @Test
    void puts_elements_in_the_order_of_the_fields() {
        assertThat(xml("{\"Order\":{\"Zip\":1,\"Item\":[\"a\",\"b\"],\"Count\":2,\"Name\":\"n\"}}", ORDER))
                .isEqualTo("<Order><Name>n</Name><Count>2</Count><Item>a</Item><Item>b</Item><Zip>1</Zip></Order>");
    }

    @Test
    void a_repeated_field_is_always_an_array() {
        assertThat(json("<Order><Name>n</Name><Count>2</Count><Item>a</Item></Order>", ORDER))
                .isEqualTo("{\"Order\":{\"Name\":\"n\",\"Count\":\"2\",\"Item\":[\"a\"]}}");
        assertThat(json("<Order/>", ORDER)).isEqualTo("{\"Order\":{}}");
    }

    @Test
    void layout_is_not_text_but_mixed_text_is() {
        assertThat(json("<A>\n  <B>1</B>\n</A>", null)).isEqualTo("{\"A\":{\"B\":\"1\"}}");
        assertThat(json("<A>x<B>1</B>y</A>", null)).isEqualTo("{\"A\":{\"B\":\"1\",\"#text\":\"xy\"}}");
        assertThat(json("<A> </A>", null)).isEqualTo("{\"A\":\" \"}");
        assertThat(json("<A><!-- c -->x<![CDATA[<y>]]></A>", null)).isEqualTo("{\"A\":\"x<y>\"}");
    }

    @Test
    void a_type_with_a_namespace_gives_it_to_the_elements_that_the_schema_qualifies() {
        String xsd =
                "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:a' FORM><xs:element name='A'>"
                        + "<xs:complexType><xs:sequence><xs:element name='B' type='xs:string'/></xs:sequence></xs:complexType></xs:element></xs:schema>";
        for (String form : List.of("", "elementFormDefault='qualified'")) {
            PayloadType type =
                    ((XsdReading.Usable) XsdReader.read(xsd.replace("FORM", form), null, new SchemaBudget())).type();
            String written = xml("{\"A\":{\"B\":\"x\"}}", type);

            assertThat(type.validate(written)).isEmpty();
            assertThat(type.validate(xml(json(written, type), type))).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[]                       | ``              | one member",
                "{}                       | ``              | one member",
                "{'A':1,'B':2}            | ``              | one member",
                "{'A':[1,2]}              | /A              | cannot be an array",
                "{'a b':1}                | /a b            | cannot be an XML element's",
                "{'':1}                   | /               | cannot be an XML element's",
                "{'A':{'1':1}}            | /A/1            | cannot be an XML element's",
                "{'A':{'x/><y':1}}        | /A/x~1><y       | cannot be an XML element's",
                "{'A':{'b:c':1}}          | /A/b:c          | cannot be an XML element's",
                "{'A':{'@':1}}            | /A/@            | cannot be an XML attribute's",
                "{'A':{'@xmlns:b':'c'}}   | /A/@xmlns:b     | cannot be an XML attribute's",
                "{'A':{'@b':{}}}          | /A/@b           | one value",
                "{'A':{'#text':[]}}       | /A/#text        | one value",
                "{'A':{'B':[1,[2]]}}      | /A/B/1          | array inside an array",
                "{'A':{'B':['x','\\u0000']}} | /A/B/1       | cannot carry",
                "{'A':'\\ud800'}          | /A              | cannot carry",
            })
    void names_the_member_that_xml_cannot_carry(String json, String pointer, String reason) {
        assertThat(PayloadJson.toXml(JSON.readTree(json.replace('\'', '"')), null))
                .isInstanceOfSatisfying(Written.Refused.class, refused -> {
                    assertThat(refused.pointer()).isEqualTo(pointer);
                    assertThat(refused.reason()).contains(reason);
                });
    }

    @Test
    void refuses_what_is_nested_too_deep() {
        String json = "{\"A\":".repeat(65) + "1" + "}".repeat(65);

        assertThat(PayloadJson.toXml(JSON.readTree(json), null)).isInstanceOf(Written.Refused.class);
        assertThat(json(xml("{\"A\":".repeat(64) + "1" + "}".repeat(64), null), null))
                .startsWith("{\"A\":{\"A\":");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "<A>",
                "<A/><B/>",
                "<A/>x",
                "<!DOCTYPE A><A/>",
                "<A>&b;</A>",
                "<?x?><A/>",
                "<A><?x?></A>",
                "<b:A/>"
            })
    void refuses_to_read_what_is_not_one_strict_element(String xml) {
        assertThatThrownBy(() -> PayloadJson.toJson(xml, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("canonical");
    }
}
