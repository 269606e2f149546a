package io.agentserver.organism;

import java.util.List;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;

/** Reads documents for the tests of this package. */
final class Organisms {

    static final OrganismParser PARSER = new OrganismParser(Set.of("echo", "upper", "calculate"), Set.of("orders"));

    static final String HELLO_WORLD = """
            organism: {name: hello-world, limits: {hops: 64, tokens: 200000, time: 10m}}
            listeners:
              - name: greeter
                description: Greets a person warmly.
                agent: true
                handler: llm
                payload: {root: Greeting, fields: {Name: string}}
                peers: [{name: shouter, hand_over: true}]
                prompt: You are a friendly greeter. Keep it short.
                model: default
              - name: shouter
                description: Repeats a greeting in capitals.
                handler: builtin:upper
                payload: {root: GreetingResponse, fields: {Message: string, OriginalSender: string}}
                response: {root: ShoutedResponse, fields: {Message: string}}
            """;

    private Organisms() {}

    static Organism valid(String yaml) {
        Parsed parsed = PARSER.parse(yaml);
        assertThat(parsed).isInstanceOf(Parsed.Valid.class);
        return ((Parsed.Valid) parsed).organism();
    }

    static List<OrganismError> errors(String yaml) {
        Parsed parsed = PARSER.parse(yaml);
        assertThat(parsed).isInstanceOf(Parsed.Invalid.class);
        return ((Parsed.Invalid) parsed).errors();
    }

    /** An organism of one echo tool, with more keys for that listener, four spaces deep. */
    static String tool(String keys) {
        return """
                organism: {name: tools}
                listeners:
                  - name: tool
                    description: Does something.
                    handler: builtin:echo
                """ + keys.stripIndent().indent(4);
    }

    static PayloadType payload(String keys) {
        return valid(tool(keys)).listeners().getFirst().payload();
    }
}
