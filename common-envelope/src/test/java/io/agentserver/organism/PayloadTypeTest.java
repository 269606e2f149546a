package io.agentserver.organism;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Locale;

import static io.agentserver.organism.Organisms.payload;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PayloadTypeTest {

    private static final PayloadType ORDER = payload("""
            payload:
              root: Order
              fields:
                Name: {type: string, doc: Who <buys> & pays, min: 2, max: 5}
                Count: {type: int, min: 1, max: 10}
                Total: long
                Price: {type: decimal, max: 99.5}
                Paid: boolean
                Day: date
                At: datetime
                Note: {type: string, optional: true}
                Item: {type: string, repeated: true}
                Tag: {type: string, optional: true, repeated: true}
            """);

    private static final String VALID =
            "<Order><Name>Ann</Name><Count>3</Count><Total>9000000000</Total><Price>1.25</Price>"
                    + "<Paid>true</Paid><Day>2026-02-28</Day><At>2026-02-28T10:00:00Z</At><Item>a</Item></Order>";

    @Test
    void takes_what_the_fields_allow() {
        assertThat(ORDER.validate(VALID)).isEmpty();
        assertThat(ORDER.validate(
                        VALID.replace("<Item>a</Item>", "<Note>n</Note><Item>a</Item><Item>b</Item><Tag>t</Tag>")))
                .isEmpty();
        assertThat(ORDER.validate("<!-- hello -->" + VALID.replace("<Name>Ann", "\n <Name>A<!-- - -->nn")))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "<Name>Ann</Name>     | <Name>A</Name>        | /Order/Name  | is too short; the least length is 2",
                "<Name>Ann</Name>     | <Name>Annika</Name>   | /Order/Name  | is too long; the greatest length is 5",
                "<Count>3</Count>     | <Count>11</Count>     | /Order/Count | is too large; the greatest value is 10",
                "<Count>3</Count>     | <Count>0</Count>      | /Order/Count | is too small; the least value is 1",
                "<Count>3</Count>     | <Count>many</Count>   | /Order/Count | is not a valid value of the type integer",
                "<Price>1.25</Price>  | <Price>1e3</Price>    | /Order/Price | is not a valid value of the type decimal",
                "<Paid>true</Paid>    | <Paid>maybe</Paid>    | /Order/Paid  | is not a valid value of the type boolean",
                "<Day>2026-02-28</Day> | <Day>2026-02-30</Day> | /Order/Day  | is not a valid value of the type date",
                "<Name>Ann</Name>     | ''                    | /Order/Count | is not expected here; expected: <Name>",
                "<Item>a</Item>       | ''                    | /Order       | is incomplete; missing: <Note> or <Item>",
                "<Item>a</Item>       | <Item>a</Item><Zip/>  | /Order/Zip   | is not expected here; expected: <Item> or <Tag>",
                "<Item>a</Item>       | <Item>a</Item><Item><b/></Item> | /Order/Item[2] | must contain text only, no elements",
                "<Item>a</Item>       | text<Item>a</Item>    | /Order       | must contain elements only, no text between them",
                "<Order>              | <Order a='1'>         | /Order       | has an attribute that is not allowed: a",
                "<Item>a</Item>       | <Item a='1'>a</Item>  | /Order/Item  | may have no attributes",
            })
    void points_to_the_element_and_says_plainly_what_is_wrong(
            String right, String wrong, String pointer, String reason) {
        assertThat(ORDER.validate(VALID.replace(right, wrong))).containsExactly(new Problem(pointer, reason));
    }

    @Test
    void reports_several_problems_at_once() {
        String wrong = VALID.replace("Ann", "A").replace(">3<", ">x<").replace("1.25", "100");

        assertThat(ORDER.validate(wrong))
                .extracting(Problem::pointer)
                .containsExactly("/Order/Name", "/Order/Count", "/Order/Price");
    }

    @Test
    void never_shows_the_validators_own_text() {
        String secret = "sesame-4711";
        List<Problem> problems =
                ORDER.validate(VALID.replace(">3<", ">" + secret + "<").replace("true", secret));

        assertThat(problems)
                .hasSize(2)
                .noneMatch(problem -> problem.reason().contains(secret)
                        || problem.reason().contains("cvc-")
                        || problem.reason().contains("facet"));
    }

    @Test
    void speaks_the_same_where_the_machine_speaks_another_language() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.GERMANY);
            assertThat(ORDER.validate(VALID.replace(">3<", ">11<")))
                    .singleElement()
                    .extracting(Problem::reason)
                    .asString()
                    .startsWith("is too large");
        } finally {
            Locale.setDefault(before);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "text",
                "<Order>",
                "<Order/><Order/>",
                "<Order></order>",
                "<!DOCTYPE Order><Order/>",
                "<!DOCTYPE Order [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><Order>&a;</Order>",
                "<Order>&a;</Order>",
                "<?php x?><Order/>",
                "<Order><?x y?></Order>",
                "<a:Order/>",
                "<Order a='1' a='2'/>",
                "<Order>\u0000</Order>",
            })
    void what_is_no_well_formed_element_is_a_problem_and_never_an_exception(String xml) {
        assertThat(ORDER.validate(xml)).isNotEmpty();
    }

    @Test
    void bounds_depth_and_the_number_of_elements() {
        assertThat(ORDER.validate("<Order>".repeat(100_000))).isNotEmpty();
        assertThat(ORDER.validate(VALID.replace("<Item>a</Item>", "<Item>a</Item>".repeat(5000))))
                .extracting(Problem::reason)
                .containsExactly("is not well-formed XML within the platform's limits");
    }

    @Test
    void reports_twenty_problems_at_most() {
        assertThat(ORDER.validate(VALID.replace("<Item>a</Item>", "<Item><b/></Item>".repeat(100))))
                .hasSize(20);
    }

    @Test
    void another_root_is_refused() {
        assertThat(ORDER.validate("<Bill/>"))
                .containsExactly(new Problem("/Bill", "is not the expected root element <Order>"));
        assertThat(ORDER.validate(VALID.replace("<Order>", "<Order xmlns='urn:a'>")))
                .containsExactly(new Problem("/Order", "is not the expected root element <Order>"));
    }

    @Test
    void an_xsi_hint_neither_fetches_nor_switches_anything() {
        String hinted = VALID.replace(
                "<Order>",
                "<Order xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:noNamespaceSchemaLocation='file:///nowhere.xsd'>");

        assertThat(ORDER.validate(hinted)).isEmpty();
        assertThat(ORDER.validate(hinted.replace(">3<", ">11<"))).hasSize(1);
    }

    @Test
    void the_example_shows_each_field_once_and_is_valid() {
        assertThat(ORDER.example())
                .isEqualTo(
                        "<Order><Name>……</Name><Count>1</Count><Total>1</Total><Price>1.5</Price><Paid>true</Paid>"
                                + "<Day>2026-01-31</Day><At>2026-01-31T12:00:00Z</At><Note>…</Note><Item>…</Item><Tag>…</Tag></Order>");
        assertThat(ORDER.validate(ORDER.example())).isEmpty();
    }

    @Test
    void the_example_keeps_within_bounds() {
        PayloadType type = payload(
                "payload: {root: R, fields: {A: {type: int, min: 5}, B: {type: int, max: -5}, C: {type: decimal, max: 0.5}, D: {type: string, max: 0}, E: {type: int, min: 3.0}}}");

        assertThat(type.example()).isEqualTo("<R><A>5</A><B>-5</B><C>0.5</C><D></D><E>3</E></R>");
        assertThat(type.validate(type.example())).isEmpty();
    }

    @Test
    void the_documentation_stands_in_the_schema() {
        assertThat(ORDER.xsd()).contains("<xs:documentation>Who &lt;buys&gt; &amp; pays</xs:documentation>");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Größe", "名前", "_x", "a-b.c", "Элемент"})
    void element_names_need_not_be_english(String name) {
        PayloadType type = payload("payload: {root: " + name + ", fields: {" + name + ": string}}");

        assertThat(type.validate(type.example())).isEmpty();
    }

    @Test
    void a_field_name_that_the_validator_would_not_take_is_refused() {
        // a letter to the reader, but younger than the JDK's tables
        assertThat(Organisms.errors(Organisms.tool("payload: {root: R, fields: {\uA7B5: string}}")))
                .hasSize(1);
        assertThatThrownBy(() -> Field.of("a b", FieldType.STRING)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void types_are_equal_by_what_they_say() {
        PayloadType one = PayloadType.ofFields("A", List.of(Field.of("B", FieldType.INT)));

        assertThat(one)
                .isEqualTo(payload("payload: {root: A, fields: {B: int}}"))
                .hasSameHashCodeAs(payload("payload: {root: A, fields: {B: int}}"));
        assertThat(one).isNotEqualTo(PayloadType.ofFields("A", List.of(Field.of("B", FieldType.LONG))));
    }
}
