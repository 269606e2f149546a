package io.agentserver.gateway.deadletters;

import java.util.Optional;
import java.util.regex.Pattern;

/** Where a dead letter stands in its tenant's topic: {@code <partition>-<offset>}, each in its only spelling. */
record LetterId(int partition, long offset) {
    private static final Pattern FORM = Pattern.compile("(?:0|[1-9][0-9]{0,4})-(?:0|[1-9][0-9]{0,17})");

    /** Empty: no id at all. */
    static Optional<LetterId> parse(String text) {
        if (!FORM.matcher(text).matches()) {
            return Optional.empty();
        }
        int dash = text.indexOf('-');
        return Optional.of(
                new LetterId(Integer.parseInt(text.substring(0, dash)), Long.parseLong(text.substring(dash + 1))));
    }

    @Override
    public String toString() {
        return partition + "-" + offset;
    }
}
