package io.agentserver.envelope;

import java.util.regex.Pattern;

/**
 * An org's id: {@code [a-z][a-z0-9-]{1,38}[a-z0-9]}, never used again after deletion.
 *
 * @throws IllegalArgumentException from the constructor for any other text
 */
public record TenantId(String value) {
    private static final Pattern FORM = Pattern.compile("[a-z][a-z0-9-]{1,38}[a-z0-9]");

    public TenantId {
        if (!isValid(value)) {
            throw new IllegalArgumentException(
                    "tenant id: <" + value + "> is not of the form [a-z][a-z0-9-]{1,38}[a-z0-9]");
        }
    }

    public static boolean isValid(String text) {
        return FORM.matcher(text).matches();
    }

    @Override
    public String toString() {
        return value;
    }
}
