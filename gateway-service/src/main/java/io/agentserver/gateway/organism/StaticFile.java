package io.agentserver.gateway.organism;

import io.agentserver.organism.Handler;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.PayloadType;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A part of one organism version that never changes: a listener's payload or response schema, or its prompt. Its name holds the
 * SHA-256 of its content, so whatever a cache has under the name is right for ever; should a later gateway write a schema
 * otherwise, that is another name.
 *
 * @param name {@code <listener>.<payload|response|prompt>.<64 hex digits>.<xsd|txt>}
 * @param type its media type
 */
record StaticFile(String name, String type, String sha256, String text) {
    /** For ever, since the name follows from the content; and by nobody in between, for it is one tenant's. */
    static final String CACHE_CONTROL = "max-age=31536000, private, immutable";

    private static final String XML = "application/xml";
    private static final String PROMPT = "txt";
    private static final String TEXT = "text/plain;charset=UTF-8";

    /** All of an organism, by name. */
    static Map<String, StaticFile> of(Organism organism) {
        Map<String, StaticFile> files = new LinkedHashMap<>();
        for (Listener listener : organism.listeners()) {
            add(files, payload(listener));
            PayloadType response = listener.response();
            if (response != null) {
                add(files, response(listener, response));
            }
            if (listener.handler() instanceof Handler.Llm llm) {
                add(files, prompt(listener, llm));
            }
        }
        return Map.copyOf(files);
    }

    static StaticFile payload(Listener listener) {
        return of(listener, "payload", listener.payload().xsd(), XML, "xsd");
    }

    static StaticFile response(Listener listener, PayloadType response) {
        return of(listener, "response", response.xsd(), XML, "xsd");
    }

    static StaticFile prompt(Listener listener, Handler.Llm llm) {
        return of(listener, "prompt", llm.prompt(), TEXT, PROMPT);
    }

    /** Whether what has this name is shown to those alone who may write the organism: a prompt. */
    static boolean isSecret(String name) {
        return name.endsWith("." + PROMPT);
    }

    String extension() {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    String path(long version) {
        return StaticEndpoint.PATH + version + "/" + name;
    }

    private static void add(Map<String, StaticFile> files, StaticFile file) {
        files.put(file.name(), file);
    }

    private static StaticFile of(Listener listener, String part, String text, String type, String extension) {
        String sha256 = HexFormat.of().formatHex(sha256(text.getBytes(StandardCharsets.UTF_8)));
        return new StaticFile(listener.name() + "." + part + "." + sha256 + "." + extension, type, sha256, text);
    }

    private static byte[] sha256(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
