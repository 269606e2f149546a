package io.agentserver.organism;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import static io.agentserver.organism.Organisms.HELLO_WORLD;
import static io.agentserver.organism.Organisms.errors;
import static io.agentserver.organism.Organisms.tool;
import static io.agentserver.organism.Organisms.valid;
import static org.assertj.core.api.Assertions.assertThat;

class OrganismParserTest {

    private static final String PAYLOAD = "payload: {root: In, fields: {}}\n";

    @Test
    void reads_the_hello_world_organism() {
        Organism organism = valid(HELLO_WORLD);

        assertThat(organism.name()).isEqualTo("hello-world");
        assertThat(organism.limits()).isEqualTo(new Organism.Limits(64, 200_000, Duration.ofMinutes(10)));
        assertThat(organism.listeners()).extracting(Listener::name).containsExactly("greeter", "shouter");
        Listener greeter = organism.listener("greeter").orElseThrow();
        assertThat(greeter.agent()).isTrue();
        assertThat(greeter.handler())
                .isEqualTo(new Handler.Llm("You are a friendly greeter. Keep it short.", "default"));
        assertThat(greeter.peer("shouter")).contains(new Listener.Peer("shouter", true));
        assertThat(greeter.peer("nobody")).isEmpty();
        assertThat(greeter.response()).isNull();
        Listener shouter = organism.listener("shouter").orElseThrow();
        assertThat(shouter.agent()).isFalse();
        assertThat(shouter.handler()).isEqualTo(new Handler.Builtin("upper"));
        assertThat(shouter.response())
                .isEqualTo(PayloadType.ofFields("ShoutedResponse", List.of(Field.of("Message", FieldType.STRING))));
    }

    @Test
    void fills_in_the_defaults() {
        Organism organism = valid(tool(PAYLOAD));
        Listener tool = organism.listeners().getFirst();

        assertThat(organism.limits()).isEqualTo(Organism.Limits.DEFAULT);
        assertThat(tool.timeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(tool.retries()).isEqualTo(3);
        assertThat(tool.history()).isEqualTo(new Listener.History(50, 8000));
        assertThat(tool.join()).isEqualTo(Listener.Join.ALL);
        assertThat(tool.broadcast()).isFalse();
        assertThat(tool.boot()).isFalse();
        assertThat(tool.peers()).isEmpty();
        assertThat(tool.options()).isEmpty();
    }

    @Test
    void reads_every_key_of_a_listener() {
        Listener service = valid("""
                organism:
                  name: all keys
                  limits: {hops: 5, tokens: 1_000, time: 90s}
                listeners:
                  - name: service
                    description: Ours.
                    agent: true
                    handler: http
                    url: https://tools.example.com:8443/in?x=1
                    secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                    payload: {root: Ask, fields: {}}
                    response: {root: Answer, fields: {}}
                    peers: [service]
                    broadcast: false
                    boot: true
                    timeout: 500ms
                    retries: 0
                    history: {slots: 5, tokens: 100}
                    join: each
                    options: {region: eu, size: 5, dry: no}
                """).listeners().getFirst();

        assertThat(service.handler())
                .isEqualTo(new Handler.Http(
                        URI.create("https://tools.example.com:8443/in?x=1"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assertThat(service.peers()).containsExactly(new Listener.Peer("service", false));
        assertThat(service.boot()).isTrue();
        assertThat(service.timeout()).isEqualTo(Duration.ofMillis(500));
        assertThat(service.retries()).isZero();
        assertThat(service.history()).isEqualTo(new Listener.History(5, 100));
        assertThat(service.join()).isEqualTo(Listener.Join.EACH);
        assertThat(service.options()).isEqualTo(Map.of("region", "eu", "size", "5", "dry", "no"));
    }

    @Test
    void takes_a_java_handler_that_is_known() {
        assertThat(valid(tool(PAYLOAD).replace("builtin:echo", "java:orders")).listeners())
                .extracting(Listener::handler)
                .containsExactly(new Handler.Java("orders"));
    }

    @Test
    void an_organism_may_have_no_listeners() {
        assertThat(valid("organism: {name: empty}\nlisteners: []").listeners()).isEmpty();
    }

    @Test
    void reports_every_error_at_once_in_order_with_its_line_and_a_remedy() {
        List<OrganismError> errors = errors("""
                organism: {name: broken, limits: {hops: 0}}
                listeners:
                  - name: core
                    description: Takes a reserved name.
                    handler: builtin:echo
                    payload: {root: A, fields: {X: strng}}
                  - name: b
                    handler: builtin:nope
                    payload: {root: B, fields: {}}
                    colour: red
                    peers: [ghost]
                extra: 1
                """);

        assertThat(errors).extracting(OrganismError::line).containsExactly(1, 3, 6, 7, 8, 10, 11, 12);
        assertThat(errors).extracting(OrganismError::remedy).noneMatch(String::isBlank);
        assertThat(errors.get(0).reason()).contains("hops is '0'");
        assertThat(errors.get(1).reason()).contains("'core' is the platform's own");
        assertThat(errors.get(2).reason()).contains("unknown type 'strng'");
        assertThat(errors.get(2).remedy()).contains("string, int, long, decimal, boolean, date, datetime");
        assertThat(errors.get(3).reason()).contains("description is missing");
        assertThat(errors.get(4).reason()).contains("'builtin:nope' is unknown");
        assertThat(errors.get(4).remedy()).contains("calculate, echo, upper");
        assertThat(errors.get(5).reason()).contains("unknown key 'colour'");
        assertThat(errors.get(6).reason()).contains("'ghost' is no listener");
        assertThat(errors.get(7).reason()).contains("unknown key 'extra'");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "timeout: 5           | timeout is '5'",
                "timeout: 0s          | timeout is '0s'",
                "timeout: 25h         | timeout is '25h'",
                "timeout: -5s         | timeout is '-5s'",
                "retries: 21          | retries is '21'",
                "retries: three       | retries is 'three'",
                "retries: 1.0         | retries is '1.0'",
                "join: some           | join is 'some'",
                "boot: yes            | boot is 'yes'",
                "history: 5           | is not a mapping",
                "history: {slot: 5}   | unknown key 'slot'",
                "options: {a: [1]}    | a is not a text",
                "prompt: hi           | belongs to the handler llm alone",
                "model: default       | belongs to the handler llm alone",
                "url: 'https://a.b'   | belongs to the handler http alone",
                "secret: whsec_       | belongs to the handler http alone",
                "peers: tool          | peers is not a list",
                "peers: [tool, tool]  | listed twice",
                "peers: [{name: tool, handover: true}] | unknown key 'handover'",
                "response: {root: R}  | needs either fields or xsd",
                "response: {root: R, xsd: x, fields: {}} | needs either fields or xsd",
                "response: {fields: {}} | root is missing",
                "response: {root: 'a b', fields: {}} | is no element name",
                "response: {root: 'a:b', fields: {}} | is no element name",
                "response: {root: SystemError, fields: {}} | the platform's own",
                "response: {root: R, fields: {A: string, A: int}} | the key 'A' occurs twice",
                "response: {root: R, fields: {'1A': string}} | is no element name",
                "response: {root: R, fields: {A: {doc: x}}} | type is missing",
                "response: {root: R, fields: {A: {type: date, min: 1}}} | min does not apply to the type date",
                "response: {root: R, fields: {A: {type: int, min: 3, max: 2}}} | min 3 is over max 2",
                "response: {root: R, fields: {A: {type: int, min: 0.5}}} | min 0.5 does not fit the type int",
                "response: {root: R, fields: {A: {type: string, min: -1}}} | min -1 does not fit the type string",
                "response: {root: R, fields: {A: {type: string, max: 9e9}}} | max is '9e9'",
                "description: again   | the key 'description' occurs twice",
                "options: {a: !!binary aGk=} | has a YAML tag",
                "options: {a: !!javax.script.ScriptEngineManager x} | Global tag is not allowed",
                "options: {a: \"\\0\"} | control characters",
                "options: {a: ~}      | has no value",
            })
    void refuses_a_wrong_value_of_a_listener(String key, String reason) {
        assertThat(errors(tool(PAYLOAD + key + "\n"))).singleElement().satisfies(error -> {
            assertThat(error.reason()).contains(reason);
            assertThat(error.remedy()).isNotBlank();
            assertThat(error.line()).isEqualTo(7);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"9lives", "a b", "ä", "a/b", "system", "''", "a%00"})
    void refuses_a_name_that_no_listener_can_have(String name) {
        assertThat(errors(tool(PAYLOAD).replace("name: tool\n", "name: " + name + "\n")))
                .singleElement()
                .extracting(OrganismError::line)
                .isEqualTo(3);
    }

    @Test
    void a_name_has_128_characters_at_most() {
        assertThat(valid(tool(PAYLOAD).replace("name: tool\n", "name: " + "n".repeat(128) + "\n"))
                        .listeners())
                .hasSize(1);
        assertThat(errors(tool(PAYLOAD).replace("name: tool\n", "name: " + "n".repeat(129) + "\n")))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"no", "on", "null1", "true"})
    void a_name_is_a_text_whatever_yaml_takes_it_for(String name) {
        assertThat(valid(tool(PAYLOAD).replace("name: tool\n", "name: " + name + "\n"))
                        .listener(name))
                .isPresent();
    }

    @Test
    void refuses_two_listeners_of_one_name() {
        String yaml =
                HELLO_WORLD.replace("name: shouter\n", "name: greeter\n").replace("{name: shouter,", "{name: greeter,");

        assertThat(errors(yaml)).singleElement().satisfies(error -> {
            assertThat(error.line()).isEqualTo(11);
            assertThat(error.reason()).contains("'greeter' occurs twice, first in line 3");
        });
    }

    @Test
    void an_agent_does_not_share_its_root() {
        String yaml = HELLO_WORLD
                .replace("root: GreetingResponse", "root: Greeting")
                .replace("handler: builtin:upper", "broadcast: true\n    handler: builtin:upper");

        assertThat(errors(yaml)).singleElement().satisfies(error -> {
            assertThat(error.line()).isEqualTo(7);
            assertThat(error.reason()).contains("an agent's payload root must be its own, and <Greeting> is shared");
        });
    }

    @Test
    void tools_share_a_root_only_if_each_says_broadcast() {
        String one =
                "  - {name: one, description: d, handler: builtin:echo, payload: {root: In, fields: {}}, broadcast: true}\n";
        String two = one.replace("one", "two");
        String head = "organism: {name: o}\nlisteners:\n";

        assertThat(valid(head + one + two).listeners()).hasSize(2);
        assertThat(errors(head + one + two.replace("true", "false")))
                .singleElement()
                .satisfies(error -> {
                    assertThat(error.line()).isEqualTo(4);
                    assertThat(error.reason()).contains("<In> is shared by 2 listeners");
                    assertThat(error.remedy()).contains("broadcast: true");
                });
    }

    @Test
    void an_llm_needs_a_prompt_and_is_an_agent() {
        assertThat(errors(HELLO_WORLD.replace("    prompt: You are a friendly greeter. Keep it short.\n", "")))
                .extracting(OrganismError::reason)
                .containsExactly("listener 1: prompt is missing");
        assertThat(errors(HELLO_WORLD.replace("agent: true", "agent: false")))
                .extracting(OrganismError::reason)
                .containsExactly("listener 1: agent is false, but who asks a model is an agent");
        assertThat(valid(HELLO_WORLD.replace("    agent: true\n", ""))
                        .listeners()
                        .getFirst()
                        .agent())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/relative",
                "ftp://a.b/",
                "https:///nohost",
                "https://u:p@a.b/",
                "https://a.b/#f",
                "https://a b/",
                "file:///etc/passwd"
            })
    void refuses_a_url_that_is_no_absolute_http_address(String url) {
        assertThat(errors(http(url, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
                .extracting(OrganismError::reason)
                .containsExactly("listener 1: url is no absolute http or https address");
    }

    private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private static Parsed saving(String host, HandlerHosts hosts) {
        return Organisms.PARSER.with(hosts).parse(http("http://" + host + ":8080/x", SECRET));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "169.254.169.254",
                "10.0.0.1",
                "192.168.1.1",
                "100.100.100.200",
                "0.0.0.0",
                "[fe80::1]",
                "[fd00:ec2::254]",
                "[::ffff:10.0.0.1]",
                "[64:ff9b::a00:1]",
                "167772161",
                "metadata.google.internal",
                "tools.shop.svc.cluster.local",
                "kubernetes.default.svc",
                "router.home.arpa",
                "redis"
            })
    void a_handlers_host_that_is_never_public_is_not_saved(String host) {
        for (HandlerHosts hosts : List.of(HandlerHosts.PUBLIC, HandlerHosts.PUBLIC_OR_LOOPBACK)) {
            assertThat(saving(host, hosts)).isInstanceOfSatisfying(Parsed.Invalid.class, invalid -> {
                assertThat(invalid.errors()).singleElement().satisfies(error -> {
                    assertThat(error.reason()).isEqualTo("listener 1: url is not on the public internet");
                    assertThat(error.remedy()).isNotBlank();
                });
            });
        }
        assertThat(saving(host, HandlerHosts.ANY)).as("what was saved is read").isInstanceOf(Parsed.Valid.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.8.9.1", "2130706433", "localhost", "LOCALHOST", "a.localhost", "[::1]"})
    void a_handler_on_loopback_is_saved_in_dev_alone(String host) {
        assertThat(saving(host, HandlerHosts.PUBLIC)).isInstanceOf(Parsed.Invalid.class);
        assertThat(saving(host, HandlerHosts.PUBLIC_OR_LOOPBACK)).isInstanceOf(Parsed.Valid.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"tools.example.com", "8.8.8.8", "[2606:4700::1111]", "internal.example.com", "xn--bcher-kva.ch"})
    void a_handler_with_a_public_host_is_saved(String host) {
        assertThat(saving(host, HandlerHosts.PUBLIC)).isInstanceOf(Parsed.Valid.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"hunter2", "whsec_hunter2!", "whsec_c2hvcnQ=", "whsec_"})
    void refuses_a_secret_that_cannot_sign_and_does_not_repeat_it(String secret) {
        assertThat(errors(http("https://a.b/", secret))).singleElement().satisfies(error -> {
            assertThat(error.reason())
                    .isEqualTo("listener 1: secret is not right")
                    .doesNotContain("hunter2");
            assertThat(error.remedy()).contains("whsec_");
        });
    }

    @Test
    void a_handler_never_prints_its_secret() {
        assertThat(valid(http("https://a.b/", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
                        .toString())
                .doesNotContain("MfKQ9r8GKYqr");
    }

    private static String http(String url, String secret) {
        return tool(PAYLOAD + "url: '" + url + "'\nsecret: '" + secret + "'\n").replace("builtin:echo", "http");
    }

    @Test
    void broken_yaml_is_an_error_with_its_line() {
        assertThat(errors("organism: {name: a}\nlisteners: [\n  - x: : y\n"))
                .singleElement()
                .satisfies(error -> {
                    assertThat(error.line()).isEqualTo(3);
                    assertThat(error.reason()).startsWith("this is not YAML: ");
                });
        assertThat(errors("organism: {name: a}\nlisteners: []\u0007"))
                .singleElement()
                .satisfies(error -> {
                    assertThat(error.line()).isEqualTo(2);
                    assertThat(error.reason()).contains("control character");
                });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "# nothing",
                "just text",
                "[]",
                "a: b",
                "--- {}\n--- {}",
                "&a [*a]",
                "{organism: &o {name: *o}, listeners: [*o]}",
                "organism: {<<: {name: x}}\nlisteners: []"
            })
    void anything_else_is_an_error_and_never_an_exception(String yaml) {
        assertThat(errors(yaml)).isNotEmpty();
    }

    @Test
    void bounds_aliases_depth_and_size() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [x]\n");
        for (int i = 1; i < 30; i++) {
            bomb.append("a")
                    .append(i)
                    .append(": &a")
                    .append(i)
                    .append(" [*a")
                    .append(i - 1)
                    .append(", *a")
                    .append(i - 1)
                    .append("]\n");
        }
        assertThat(errors(bomb.toString()))
                .singleElement()
                .extracting(OrganismError::reason)
                .asString()
                .contains("aliases");
        assertThat(errors("[".repeat(100_000))).hasSize(1);
        assertThat(errors("# " + "ä".repeat(600_000)))
                .singleElement()
                .extracting(OrganismError::reason)
                .asString()
                .contains("1024 KiB");
    }

    @Test
    void bounds_the_number_of_listeners() {
        StringBuilder yaml = new StringBuilder("organism: {name: many}\nlisteners:\n");
        for (int i = 0; i < 500; i++) {
            yaml.append("  - {name: l")
                    .append(i)
                    .append(", description: d, handler: builtin:echo, payload: {root: R")
                    .append(i)
                    .append(", fields: {}}}\n");
        }
        assertThat(valid(yaml.toString()).listeners()).hasSize(500);
        yaml.append("  - {name: more, description: d, handler: builtin:echo, payload: {root: More, fields: {}}}\n");
        assertThat(errors(yaml.toString()))
                .extracting(OrganismError::reason)
                .containsExactly("the document: listeners has 501 items");
    }
}
