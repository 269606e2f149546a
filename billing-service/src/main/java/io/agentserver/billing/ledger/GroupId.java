package io.agentserver.billing.ledger;

import java.util.UUID;

/**
 * What a posting group is for. There is one group per id, for ever, whoever posts it and how often.
 *
 * @param value {@code receipt:<uuid>} for an LLM call; the other {@link GroupKind}s have prefixes of their own
 */
public record GroupId(String value) {

    public GroupId {
        if (value.indexOf(':') < 1 || value.length() > 300) {
            throw new IllegalArgumentException("posting group: <" + value + "> is not of the form kind:id");
        }
    }

    public static GroupId ofReceipt(UUID receipt) {
        return new GroupId("receipt:" + receipt);
    }

    /** @param id of the object at Stripe, or another that is there once */
    public static GroupId of(GroupKind kind, String id) {
        return new GroupId(kind.prefix() + ":" + id);
    }

    public GroupKind kind() {
        return GroupKind.of(value.substring(0, value.indexOf(':')));
    }

    /** What is after the kind. */
    public String reference() {
        return value.substring(value.indexOf(':') + 1);
    }

    @Override
    public String toString() {
        return value;
    }
}
