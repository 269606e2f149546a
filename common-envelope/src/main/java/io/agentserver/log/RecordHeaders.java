package io.agentserver.log;

/** The headers of a record (CONTRACTS 3). */
public final class RecordHeaders {
    public static final String MESSAGE_ID = "message-id";
    public static final String TRACEPARENT = "traceparent";
    public static final String MAC = "mac";
    public static final String KEY_ID = "key-id";

    /** Of a dead letter. */
    public static final String REASON = "reason";

    public static final String ATTEMPTS = "attempts";
    public static final String ORIGINAL_TOPIC = "original-topic";
    public static final String ORIGINAL_PARTITION = "original-partition";
    public static final String ORIGINAL_OFFSET = "original-offset";
    public static final String FIRST_FAILURE = "first-failure";
    public static final String LAST_FAILURE = "last-failure";

    private RecordHeaders() {}
}
