package io.agentserver.envelope;

import java.util.UUID;

/** A message. A turn's id is that of the client message which opened it. Unique per (thread, id). */
public record MessageId(UUID value) {

    /** @throws IllegalArgumentException if {@code text} is not a UUID in its canonical, lower- or upper-case text form */
    public static MessageId parse(String text) {
        return new MessageId(Ids.parse("id", text));
    }

    /** A new, time-ordered one (UUIDv7, RFC 9562). */
    public static MessageId create() {
        return new MessageId(Ids.v7());
    }

    /** The id of a message that came with an {@code Idempotency-Key}: UUIDv5(tenant, key). */
    public static MessageId ofIdempotencyKey(TenantId tenant, String key) {
        return new MessageId(Ids.inTenant(tenant, key));
    }

    /** The id of the {@code ordinal}th output (from 0) of handling this message: UUIDv5(this id, ordinal). */
    public MessageId output(int ordinal) {
        return new MessageId(Ids.v5(value, Integer.toString(ordinal)));
    }

    /** The id of this message when it is sent again after it became a dead letter: UUIDv5(this id, "redrive"). */
    public MessageId redriven() {
        return new MessageId(Ids.v5(value, "redrive"));
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
