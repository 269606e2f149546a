package io.agentserver.loadtests;

import java.util.Map;

/**
 * Conversations of one message each: POSTed with {@code Prefer: wait}, over when the response with this message's own
 * text is back. Anything else is an error, by its kind. Safe on any thread.
 */
final class Conversations extends HttpExchanges {
    private static final String FILL = "some text of a usual length, ".repeat(8);

    private final String key;
    private final To to;

    /** Who is asked. */
    enum To {
        ECHO("echo", "Ping", true),
        /** Hands over to echo: two handlers, one after the other. */
        RELAY("relay", "Pass", true),
        /** Answers after {@link BenchService#PAUSE}. */
        SLOW("slow", "Slow", true),
        /** Nobody waits for the answer. */
        SLOW_UNWATCHED("slow", "Slow", false);

        private final String listener;
        private final String root;
        private final boolean waits;

        To(String listener, String root, boolean waits) {
            this.listener = listener;
            this.root = root;
            this.waits = waits;
        }
    }

    Conversations(Platform platform) {
        this(platform, To.ECHO);
    }

    Conversations(Platform platform, To to) {
        super(platform.gateway);
        this.key = platform.key;
        this.to = to;
    }

    /** @param service {@link BenchService}'s URL; the listeners that call it are there only if it is */
    static String organism(String service) {
        String echo = """
                organism: {name: benchmark}
                listeners:
                  - name: echo
                    description: Answers with what it got.
                    handler: builtin:echo
                    payload: {root: Ping, fields: {Text: string}}
                """;
        return service.isEmpty() ? echo : echo + """
                  - name: relay
                    description: Hands over to echo.
                    handler: http
                    url: %1$s/relay
                    secret: whsec_ZXhhbXBsZS1vbmx5LW1ha2UteW91ci1vd24tc2VjcmV0
                    payload: {root: Pass, fields: {Text: string}}
                    peers: [{name: echo, hand_over: true}]
                  - name: slow
                    description: Answers late.
                    handler: http
                    url: %1$s/slow
                    secret: whsec_ZXhhbXBsZS1vbmx5LW1ha2UteW91ci1vd24tc2VjcmV0
                    timeout: 25s
                    payload: {root: Slow, fields: {Text: string}}
                    response: {root: Late, fields: {Text: string}}
                """.formatted(service);
    }

    @Override
    Request request(long number) {
        String text = "ping " + number + " " + System.nanoTime();
        String body = "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta><from>bench</from><to>"
                + to.listener + "</to></meta><" + to.root + " xmlns=\"\"><Text>" + text + " " + FILL + "</Text></"
                + to.root
                + "></message>";
        Map<String, String> headers = Map.of("Authorization", "Bearer " + key, "Content-Type", "application/xml");
        if (!to.waits) {
            return new Request("/v1/messages", headers, body, 202, "accepted");
        }
        Map<String, String> waiting = new java.util.HashMap<>(headers);
        waiting.put("Prefer", "wait=30");
        return new Request("/v1/messages", waiting, body, 200, text);
    }
}
