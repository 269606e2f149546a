package io.agentserver.gateway;

import com.sun.management.ThreadMXBean;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.net.http.HttpRequest;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.zip.GZIPOutputStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * What is no acceptable XML is a 4xx that costs little: by each way in (an envelope, a batch, JSON around XML), and nothing of it
 * on the log, nothing fetched.
 */
@ExtendWith(GatewayExtension.class)
class ParsingTest {
    private static final String GREETING = "<Greeting xmlns=\"\"><Name>World</Name></Greeting>";
    private static final String FROM = "<from>console</from>";
    private static final String XML = "application/xml";
    private static final String BATCH = "application/vnd.agentserver.batch+xml";
    private static final int MIB = 1024 * 1024;
    private static final Duration AT_ONCE = Duration.ofMillis(100);

    private final RunningGateway gateway;
    private final LocalStores stores;
    private final String tenant = "p" + Ids.v7().toString().substring(0, 35).replace("-", "x");
    private String key = "";

    ParsingTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    // body over the limit, also chunked without a length, or inflating past it (gzip)

    @Test
    void a_body_that_inflates_past_the_limit_is_413_and_the_heap_stays_flat() throws IOException {
        byte[] bomb = gzip(200 * MIB);
        assertThat(bomb.length).as("not refused for its length").isLessThan(256 * 1024);
        for (String type : List.of(XML, BATCH, "application/json")) {
            long before = allocated();
            Answer refused = gateway.send(message(type, bomb).header("Content-Encoding", "gzip"));
            assertThat(refused.status()).as(type + refused.body()).isEqualTo(413);
            assertThat(refused.problem()).isEqualTo("too-large");
            assertThat(refused.counted("too-large")).isEqualTo(1);
            assertThat(allocated() - before).as("of 200 MiB").isLessThan(64L * MIB);
        }
        Answer strangers = gateway.send(gateway.request("/v1/messages")
                .header("Content-Type", XML)
                .header("Content-Encoding", "gzip")
                .POST(HttpRequest.BodyPublishers.ofByteArray(bomb)));
        assertThat(strangers.status()).as("without an API key").isEqualTo(415);
        Answer twice = gateway.send(message(XML, bomb).header("Content-Encoding", "gzip, gzip"));
        assertThat(twice.status()).isEqualTo(415);
        Answer cut = gateway.send(message(XML, new byte[] {31, (byte) 139, 8}).header("Content-Encoding", "gzip"));
        assertThat(cut.status()).isEqualTo(400);
        assertNothingOnTheLog();
    }

    @Test
    void a_body_without_a_length_that_never_ends_is_413_and_read_no_further() throws IOException {
        for (String type : List.of(XML, BATCH, "application/json")) {
            long before = allocated();
            double counted = gateway.rejected("too-large");
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
                socket.setSoTimeout(20_000);
                OutputStream out = socket.getOutputStream();
                out.write(("POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: " + type
                                + "\r\nAuthorization: Bearer " + key + "\r\nTransfer-Encoding: chunked\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
                byte[] chunk = ("10000\r\n" + "x".repeat(65536) + "\r\n").getBytes(StandardCharsets.US_ASCII);
                int sent = 0;
                try {
                    while (socket.getInputStream().available() == 0 && sent < 400) {
                        out.write(chunk);
                        sent++;
                    }
                } catch (IOException e) {
                    // hung up on: it had been told
                }
                assertThat(sent).as(type + ": of 25 MiB").isLessThan(400);
                assertThat(new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                        .as(type)
                        .isEqualTo("HTTP/1.1 413");
            }
            assertThat(gateway.rejected("too-large")).isEqualTo(counted + 1);
            assertThat(allocated() - before).isLessThan(64L * MIB);
        }
        assertNothingOnTheLog();
    }

    private static byte[] gzip(int zeros) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            byte[] mebibyte = new byte[MIB];
            for (int i = 0; i < zeros / MIB; i++) {
                gzip.write(mebibyte);
            }
        }
        return out.toByteArray();
    }

    /** By all threads since the start, also by those that have ended. */
    private static long allocated() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
    }

    // wrong or no content type

    @ParameterizedTest
    @CsvSource({
        "POST, /v1/messages",
        "POST, /v1/keys",
        "POST, /v1/signing-keys",
        "PUT, /v1/provider-keys/openai",
        "POST, /v1/dead-letters/redrive",
        "PUT, /v1/organism",
        "POST, /admin/v1/tenants",
        "PATCH, /admin/v1/tenants/{tenant}",
        "POST, /admin/v1/tenants/{tenant}/keys",
        "POST, /admin/v1/tenants/{tenant}/credit",
    })
    void a_wrong_or_no_content_type_is_415(String method, String path) {
        for (String type :
                new String[] {"", "text/plain", "application/xhtml+xml", "multipart/form-data", "*/*", "no type"}) {
            HttpRequest.Builder request = gateway.request(path.replace("{tenant}", tenant))
                    .header("Authorization", "Bearer " + (path.startsWith("/admin") ? RunningGateway.ADMIN_KEY : key))
                    .method(method, HttpRequest.BodyPublishers.ofString("{}"));
            Answer answer = gateway.send(type.isEmpty() ? request : request.header("Content-Type", type));
            assertThat(answer.status()).as(type + answer.body()).isEqualTo(415);
            assertThat(answer.problem()).isEqualTo("unsupported-media-type");
            assertThat(answer.counted("unsupported-media-type")).isEqualTo(1);
        }
    }

    // any DOCTYPE; entity bombs of any kind

    /** Else the test below would show nothing of names. */
    @Test
    void a_name_that_is_looked_up_is_noted() {
        String name = "noted-" + Ids.v7() + ".invalid";
        assertThatThrownBy(() -> InetAddress.getAllByName(name)).isInstanceOf(UnknownHostException.class);
        assertThat(NotedLookUps.have(name)).isTrue();
    }

    @Test
    void any_doctype_is_400_at_once_without_a_file_a_connection_a_look_up_or_a_burst(@TempDir Path directory)
            throws IOException {
        Path file = Files.writeString(directory.resolve("secret"), "canary-in-a-file");
        try (UncalledServer server = new UncalledServer()) {
            StringBuilder laughs = new StringBuilder("<!ENTITY l0 \"ha\">");
            for (int i = 1; i < 20; i++) {
                laughs.append("<!ENTITY l")
                        .append(i)
                        .append(" \"")
                        .append(("&l" + (i - 1) + ";").repeat(10))
                        .append("\">");
            }
            Map<String, String> bombs = new LinkedHashMap<>();
            bombs.put("<!DOCTYPE message>", "x");
            bombs.put("<!DOCTYPE message []>", "x");
            for (String url : server.urls("/x")) {
                bombs.put("<!DOCTYPE message SYSTEM \"" + url + ".dtd\">", "x");
                bombs.put("<!DOCTYPE message PUBLIC \"-//X//Y\" \"" + url + ".dtd\">", "x");
                bombs.put("<!DOCTYPE m [<!ENTITY u SYSTEM \"" + url + "\">]>", "&u;");
                bombs.put("<!DOCTYPE m [<!ENTITY % p SYSTEM \"" + url + "\"> %p;]>", "x");
            }
            bombs.put("<!DOCTYPE m [" + laughs + "]>", "&l19;");
            bombs.put("<!DOCTYPE m [<!ENTITY q \"" + "q".repeat(100_000) + "\">]>", "&q;".repeat(10_000));
            bombs.put("<!DOCTYPE m [<!ENTITY f SYSTEM \"" + file.toUri() + "\">]>", "&f;");
            bombs.put("<!DOCTYPE m [<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]>", "&a;");
            bombs.put("<!DOCTYPE m [<!ATTLIST Name a CDATA \"default\">]>", "x");
            bombs.put("<!doctype message>", "x");
            bombs.put("", "&unknown;");
            Map<String, Supplier<Answer>> requests = new LinkedHashMap<>();
            bombs.forEach((doctype, text) -> {
                String payload = GREETING.replace("World", text);
                String envelope = AdmissionTest.envelope(FROM, payload);
                requests.put("XML: " + doctype, () -> xml(doctype + envelope));
                requests.put("batch: " + doctype, () -> batch(doctype + "<batch>" + envelope + "</batch>"));
                requests.put("JSON: " + doctype, () -> json(doctype + payload));
            });
            requests.forEach((what, request) -> {
                long before = allocated();
                Answer answer = request.get();
                assertMalformed(answer, what);
                assertThat(answer.body()).doesNotContain("canary", file.toString(), server.url(""), ".invalid");
                assertThat(allocated() - before).as(what).isLessThan(64L * MIB);
            });
            requests.forEach((what, request) ->
                    assertThat(fastest(request)).as(shown(what)).isLessThan(AT_ONCE)); // everything is warm by now
        }
        assertNothingOnTheLog();
    }

    /** Of a few: what costs too much does so each time, and a busy machine does not. */
    private static Duration fastest(Supplier<Answer> request) {
        Duration fastest = Duration.ofDays(1);
        for (int i = 0; i < 5 && fastest.compareTo(AT_ONCE) >= 0; i++) {
            long begin = System.nanoTime();
            assertThat(request.get().status()).isEqualTo(400);
            Duration taken = Duration.ofNanos(System.nanoTime() - begin);
            fastest = taken.compareTo(fastest) < 0 ? taken : fastest;
        }
        return fastest;
    }

    // not well-formed; bad encoding; NUL; lone surrogate; UTF-7

    @Test
    void bad_encoding_nul_a_lone_surrogate_and_utf_7_are_400() {
        String envelope = AdmissionTest.envelope(FROM, GREETING);
        Map<String, byte[]> bad = new LinkedHashMap<>();
        bad.put("UTF-7", latin1("<?xml version='1.0' encoding='UTF-7'?>" + envelope.replace("<", "+ADw-")));
        bad.put("UTF-7, declared alone", latin1("<?xml version='1.0' encoding='UTF-7'?>" + envelope));
        bad.put("EBCDIC", ("<?xml version='1.0' encoding='Cp037'?>" + envelope).getBytes(Charset.forName("Cp037")));
        bad.put("an encoding that nobody knows", latin1("<?xml version='1.0' encoding='x-nobody'?>" + envelope));
        bad.put("Latin 1", latin1("<?xml version='1.0' encoding='ISO-8859-1'?>" + envelope.replace("World", "\u00e9")));
        bad.put("Latin 1, undeclared", latin1(envelope.replace("World", "\u00e9")));
        bad.put("UTF-32", envelope.getBytes(Charset.forName("UTF-32")));
        bad.put(
                "UTF-16, said to be UTF-8",
                ("<?xml version='1.0' encoding='UTF-8'?>" + envelope).getBytes(StandardCharsets.UTF_16));
        bad.put("half of a UTF-16 unit", latin1("\u00fe\u00ff\u0000<\u0000"));
        bad.put("NUL", latin1(envelope.replace("World", "\u0000")));
        bad.put("NUL at the end", latin1(envelope + "\u0000"));
        bad.put("NUL as a reference", latin1(envelope.replace("World", "&#0;")));
        bad.put("a lone surrogate", latin1(envelope.replace("World", "\u00ed\u00a0\u0080")));
        bad.put("a lone surrogate as a reference", latin1(envelope.replace("World", "&#xD800;")));
        bad.put("a pair of surrogates as references", latin1(envelope.replace("World", "&#xD83D;&#xDE00;")));
        bad.put("an overlong form", latin1(envelope.replace("World", "\u00c0\u0080")));
        bad.put("beyond Unicode", latin1(envelope.replace("World", "&#x110000;")));
        bad.put("a control character", latin1(envelope.replace("World", "\u0008")));
        bad.put("U+FFFE", envelope.replace("World", "\ufffe").getBytes(StandardCharsets.UTF_8));
        bad.put("XML 1.1", latin1("<?xml version='1.1'?>" + envelope));
        bad.put("nothing", new byte[0]);
        bad.put("blank", latin1("  \n"));
        bad.put("cut", latin1(envelope.substring(0, 100)));
        bad.put("two roots", latin1(envelope + envelope));
        bad.put("text behind", latin1(envelope + "x"));
        bad.put("no XML", new byte[] {1, 2, 3, (byte) 0xff, 0});
        bad.forEach((what, body) -> {
            assertMalformed(gateway.send(message(XML, body)), what);
            ByteArrayOutputStream around = new ByteArrayOutputStream();
            around.writeBytes(latin1("<batch>"));
            around.writeBytes(body);
            around.writeBytes(latin1("</batch>"));
            if (body.length > 3 && !what.equals("two roots") && !what.equals("text behind")) {
                assertMalformed(gateway.send(message(BATCH, around.toByteArray())), what);
            }
        });
        assertNothingOnTheLog();
    }

    /** JSON can say what XML cannot: it is refused and never changed into something else. */
    @ParameterizedTest
    @ValueSource(strings = {"\\u0000", "\\ud800", "\\udc00x", "\\ud800\\ud800", "\\u0008", "\\ufffe"})
    void what_xml_cannot_carry_is_refused_in_json_too(String text) {
        assertMalformed(json(GREETING.replace("World", text)), text);
        Answer object = gateway.post(
                "/v1/messages", key, "application/json", "{\"payload\":{\"Greeting\":{\"Name\":\"" + text + "\"}}}");
        assertThat(object.status()).as(text + object.body()).isIn(400, 422);
        assertNothingOnTheLog();
    }

    // deeper than 64, more than 64 attributes, 4,096 elements, names over 1 KiB

    @Test
    void what_is_over_a_bound_is_400_and_what_is_just_under_it_is_not() {
        String deep = "<Greeting xmlns=\"\">" + "<a>".repeat(62) + "</a>".repeat(62) + "</Greeting>";
        StringBuilder attributes = new StringBuilder();
        for (int i = 0; i < 63; i++) {
            attributes.append(" a").append(i).append("=''");
        }
        Map<String, String> under = new LinkedHashMap<>();
        under.put(deep, deep.replace("<a></a>", "<a><a></a></a>"));
        under.put("<Greeting xmlns=\"\"" + attributes + "/>", "<Greeting xmlns=\"\"" + attributes + " z='' y=''/>");
        under.put(
                "<Greeting xmlns=\"\">" + "<a/>".repeat(4092) + "</Greeting>",
                "<Greeting xmlns=\"\">" + "<a/>".repeat(4094) + "</Greeting>");
        under.put(
                "<Greeting xmlns=\"\"><" + "n".repeat(1024) + "/></Greeting>",
                "<Greeting xmlns=\"\"><" + "n".repeat(1025) + "/></Greeting>");
        under.forEach((good, bad) -> {
            Answer taken = xml(AdmissionTest.envelope(FROM, good));
            assertThat(taken.problem()).as(taken.body()).isEqualTo("invalid-payload");
            assertMalformed(xml(AdmissionTest.envelope(FROM, bad)), bad);
            assertMalformed(json(bad), bad);
            assertMalformed(batch("<batch>" + AdmissionTest.envelope(FROM, bad) + "</batch>"), bad);
        });
        for (String open : List.of("<a>", "<a xmlns='urn:a'>", "<![CDATA[")) {
            assertMalformed(xml(open.repeat(250_000 / open.length())), open);
        }
        String manyNames = "{\"a\":".repeat(80) + "1" + "}".repeat(80);
        Answer deepJson = gateway.post("/v1/messages", key, "application/json", "{\"payload\":" + manyNames + "}");
        assertThat(deepJson.status()).as(deepJson.body()).isIn(400, 422);
        assertThat(gateway.post("/v1/messages", key, "application/json", "[".repeat(200_000))
                        .problem())
                .isEqualTo("malformed-json");
        assertNothingOnTheLog();
    }

    // XInclude, xsi:schemaLocation

    @Test
    void xinclude_and_schema_locations_open_no_connection_and_look_nothing_up() throws IOException {
        try (UncalledServer server = new UncalledServer()) {
            for (String url : server.urls("/x")) {
                List<String> payloads = List.of(
                        "<Greeting xmlns=\"\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
                                + " xsi:noNamespaceSchemaLocation=\"" + url + "\"><Name>x</Name></Greeting>",
                        "<Greeting xmlns=\"\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\""
                                + "urn:a " + url + "\"><Name>x</Name></Greeting>",
                        "<Greeting xmlns=\"\"><Name><i:include xmlns:i=\"http://www.w3.org/2001/XInclude\" href=\""
                                + url + "\" parse=\"text\"/></Name></Greeting>",
                        "<Greeting xmlns=\"\" xml:base=\"" + url + "\"><Name>x</Name></Greeting>");
                for (String payload : payloads) {
                    assertThat(xml(AdmissionTest.envelope(FROM, payload)).status())
                            .isIn(202, 422);
                    assertThat(json(payload).status()).isIn(202, 422);
                }
                String meta = FROM + "<i:include xmlns:i=\"http://www.w3.org/2001/XInclude\" href=\"" + url + "\"/>";
                assertThat(xml(AdmissionTest.envelope(meta, GREETING)).status())
                        .as("inert")
                        .isEqualTo(202);
                for (String inside : List.of(
                        "<xs:include schemaLocation='" + url + "'/>",
                        "<xs:import namespace='urn:a' schemaLocation='" + url + "'/>",
                        "<xs:redefine schemaLocation='" + url + "'/>")) {
                    String xsd = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>" + inside
                            + "<xs:element name='In' type='xs:string'/></xs:schema>";
                    Answer refused = gateway.putOrganism(
                            key,
                            "organism: {name: x}\nlisteners:\n  - name: a\n    description: A.\n    handler: builtin:echo\n"
                                    + "    payload: {xsd: \"" + xsd + "\"}\n");
                    assertThat(refused.problem()).as(refused.body()).isEqualTo("invalid-organism");
                }
            }
        }
    }

    // any processing instruction; comment in meta; relative namespace; undeclared prefix; duplicate attribute

    @Test
    void a_processing_instruction_anywhere_is_400() {
        String pi = "<?xml-stylesheet href='x'?>";
        String envelope = AdmissionTest.envelope(FROM, GREETING);
        for (String body : List.of(
                pi + envelope,
                envelope + pi,
                envelope.replace("<meta>", pi + "<meta>"),
                envelope.replace(FROM, "<from>con" + pi + "sole</from>"),
                envelope.replace("World", "Wor<?x?>ld"),
                envelope.replace("World", "<?xml version='1.0'?>"),
                " <?xml version='1.0'?>" + envelope)) {
            assertMalformed(xml(body), body);
            assertMalformed(batch("<batch>" + body + "</batch>"), body);
        }
        assertMalformed(json(GREETING.replace("World", "<?x?>")), "JSON");
        assertNothingOnTheLog();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<meta><!-- --><from>console</from></meta>",
                "<meta><from>con<!-- -->sole</from></meta>",
                "<meta><from>console</from><x xmlns='urn:x'><!-- --></x></meta>",
                "<meta><from>console</from><x xmlns='relative'/></meta>",
                "<meta><from>console</from><x xmlns='../x'/></meta>",
                "<meta><from>console</from><x xmlns='not a uri'/></meta>",
                "<meta><from>console</from><x xmlns:p='#p'/></meta>",
                "<meta><from>console</from><p:x/></meta>",
                "<meta><from>console</from><x xmlns='urn:x' p:a=''/></meta>",
                "<meta><from>console</from><x xmlns='urn:x' a='' a=''/></meta>",
                "<meta><from>console</from><x xmlns:p='urn:x' xmlns:q='urn:x' p:a='' q:a=''/></meta>",
                "<meta><from>console</from><x xmlns='urn:x' xmlns='urn:y'/></meta>",
                "<meta><from>console</from><x xmlns:xmlns='urn:x'/></meta>",
                "<meta><from>console</from><p:x xmlns:p=''/></meta>",
            })
    void a_comment_in_meta_a_relative_namespace_an_undeclared_prefix_and_a_duplicate_attribute_are_400(String meta) {
        String body = "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\">" + meta + GREETING + "</message>";
        assertMalformed(xml(body), body);
        assertMalformed(batch("<batch>" + body + "</batch>"), body);
        assertNothingOnTheLog();
    }

    // 0 or 2 payloads; no or two meta; no from; bad UUID; a reserved name; a listener's name; what is the platform's
    // own

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            /message                   | <meta><from>c</from></meta>
            /message                   | <meta><from>c</from></meta>{p}{p}
            /message/meta              | {p}
            /message/meta              | {p}<meta><from>c</from></meta>
            /message                   | <meta><from>c</from></meta><meta><from>c</from></meta>{p}
            /message/meta              | <meta><from>c</from></meta><meta><from>c</from></meta>
            /message/meta/from         | <meta><to>greeter</to></meta>{p}
            /message/meta/from         | <meta><from>c</from><from>d</from></meta>{p}
            /message/meta/from         | <meta><from></from></meta>{p}
            /message/meta/from         | <meta><from>a b</from></meta>{p}
            /message/meta/from         | <meta><from>\u0441onsole</from></meta>{p}
            /message/meta/from         | <meta><from><b/></from></meta>{p}
            /message/meta/from         | <meta><from>core</from></meta>{p}
            /message/meta/from         | <meta><from>system</from></meta>{p}
            /message/meta/from         | <meta><from>greeter</from></meta>{p}
            /message/meta/from         | <meta><from> greeter </from></meta>{p}
            /message/meta/thread       | <meta><from>c</from><thread>7</thread></meta>{p}
            /message/meta/thread       | <meta><from>c</from><thread>1-1-1-1-1</thread></meta>{p}
            /message/meta/thread       | <meta><from>c</from><thread>../0199c0de-7a11-7000-8000-000000000001</thread></meta>{p}
            /message/meta/id           | <meta><from>c</from><id xmlns="{d}">0199c0de-7a11-7000-8000-00000000000g</id></meta>{p}
            /message/meta/conversation | <meta><from>c</from><conversation xmlns="{d}">{u}</conversation></meta>{p}
            /message/meta/turn         | <meta><from>c</from><turn xmlns="{d}">{u}</turn></meta>{p}
            /message/meta/cause        | <meta><from>c</from><cause xmlns="{d}">{u}</cause></meta>{p}
            /message/meta/mac          | <meta><from>c</from><mac xmlns="{d}">{u}</mac></meta>{p}
            /message/meta/tenant       | <meta><from>c</from><tenant xmlns="https://xml-pipeline.org/ns/security/v1">x</tenant></meta>{p}
            /message/meta/role         | <meta><from>c</from><role>admin</role></meta>{p}
            """)
    void a_broken_rule_is_422_with_a_pointer_to_the_element(String pointer, String inside) {
        String body = "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\">"
                + inside.replace("{p}", GREETING)
                        .replace("{d}", "https://xml-pipeline.org/ns/delivery/v1")
                        .replace("{u}", Ids.v7().toString())
                + "</message>";
        Answer answer = xml(body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(422);
        assertThat(answer.problem()).isEqualTo("invalid-envelope");
        assertThat(answer.json().path("pointer").asString("")).isEqualTo(pointer);
        assertThat(answer.counted("invalid-envelope")).isEqualTo(1);
        assertNothingOnTheLog();
    }

    private HttpRequest.Builder message(String type, byte[] body) {
        return gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", type)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    }

    private Answer xml(String body) {
        return gateway.post("/v1/messages", key, XML, body);
    }

    private Answer batch(String body) {
        return gateway.post("/v1/messages", key, BATCH, body);
    }

    /** The XML as a JSON string, whose escapes stay as they are. */
    private Answer json(String payload) {
        return gateway.post(
                "/v1/messages", key, "application/json", "{\"payload\":\"" + payload.replace("\"", "\\\"") + "\"}");
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static void assertMalformed(Answer answer, String what) {
        String shown = shown(what);
        assertThat(answer.status()).as(shown + answer.body()).isEqualTo(400);
        assertThat(answer.problem()).as(shown).isEqualTo("malformed-xml");
        assertThat(answer.counted("malformed-xml")).as(shown).isEqualTo(1);
        assertThat(answer.body()).doesNotContain("Exception", "com.ctc", "java.", "io.agentserver");
    }

    private static String shown(String what) {
        return what.substring(0, Math.min(what.length(), 200));
    }

    private void assertNothingOnTheLog() {
        assertThat(LogReader.all(stores, tenant)).isEmpty();
    }
}
