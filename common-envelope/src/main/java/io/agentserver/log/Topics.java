package io.agentserver.log;

import io.agentserver.envelope.TenantId;

import java.util.Optional;
import java.util.regex.Pattern;

/** The topics of CONTRACTS 3. */
public final class Topics {
    public static final String USAGE = "usage";
    public static final String TENANTS = "tenants";

    /** The group of all pumps: what it has finished of a topic is what it has committed. */
    public static final String PUMPS = "pump";

    /** All tenants' message topics, for a subscription by pattern. */
    public static final Pattern ALL_MESSAGES = Pattern.compile("messages\\.[a-z][a-z0-9-]{1,38}[a-z0-9]");

    private static final String MESSAGES = "messages.";
    private static final String DEAD_LETTERS = "dead-letters.";

    private Topics() {}

    public static String messages(TenantId tenant) {
        return MESSAGES + tenant;
    }

    public static String deadLetters(TenantId tenant) {
        return DEAD_LETTERS + tenant;
    }

    /** Whose messages the topic holds; empty for any other topic. */
    public static Optional<TenantId> tenantOfMessages(String topic) {
        return ALL_MESSAGES.matcher(topic).matches()
                ? Optional.of(new TenantId(topic.substring(MESSAGES.length())))
                : Optional.empty();
    }

    /** Whose messages or dead letters the topic holds; empty for any other topic. */
    public static Optional<TenantId> tenantOf(String topic) {
        if (topic.startsWith(DEAD_LETTERS) && TenantId.isValid(topic.substring(DEAD_LETTERS.length()))) {
            return Optional.of(new TenantId(topic.substring(DEAD_LETTERS.length())));
        }
        return tenantOfMessages(topic);
    }
}
