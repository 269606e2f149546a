package io.agentserver.envelope;

import java.util.Set;
import java.util.regex.Pattern;

/** The namespaces and the reserved names of an envelope. */
public final class EnvelopeNames {
    public static final String ENVELOPE = "https://xml-pipeline.org/ns/envelope/v1";
    public static final String DELIVERY = "https://xml-pipeline.org/ns/delivery/v1";
    public static final String SECURITY = "https://xml-pipeline.org/ns/security/v1";
    public static final String CORE = "https://xml-pipeline.org/ns/core/v1";

    /** The platform's own senders. */
    public static final Set<String> RESERVED = Set.of("core", "system");

    private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9._-]{0,127}");

    private EnvelopeNames() {}

    /** Whether {@code text} may be a listener's or a client's name. */
    public static boolean isName(String text) {
        return NAME.matcher(text).matches();
    }
}
