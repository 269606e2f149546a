package io.agentserver.pump.handler;

import io.agentserver.envelope.EnvelopeNames;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;

/** The platform's own answers (CONTRACTS 4). Their texts tell neither topology nor a stack trace. */
public final class SystemErrors {
    /** Where the pump's own messages come from. */
    public static final String SENDER = "core";

    /** "Unknown" and "not allowed" in the same words. */
    public static final String UNREACHABLE = "no listener that can be reached takes this message";

    private static final int MOST_OF_AN_ATTEMPT = 4096;

    private SystemErrors() {}

    public enum Code {
        ROUTING,
        VALIDATION,
        TIMEOUT,
        BUDGET,
        HANDLER;

        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What could not be delivered or done. */
    public static String systemError(Code code, String message, boolean retryAllowed) {
        return "<SystemError xmlns=\"\"><code>" + code.wireName() + "</code><message>" + XmlText.escape(message)
                + "</message><retry-allowed>" + retryAllowed + "</retry-allowed></SystemError>";
    }

    /** What was malformed or invalid; the attempt is repeated, cut at 4 KiB. */
    public static String huh(String error, String attempt) {
        byte[] bytes = attempt.getBytes(StandardCharsets.UTF_8);
        byte[] cut = bytes.length > MOST_OF_AN_ATTEMPT ? Arrays.copyOf(bytes, MOST_OF_AN_ATTEMPT) : bytes;
        return "<huh xmlns=\"" + EnvelopeNames.CORE + "\"><error>" + XmlText.escape(error)
                + "</error><original-attempt>" + Base64.getEncoder().encodeToString(cut) + "</original-attempt></huh>";
    }
}
