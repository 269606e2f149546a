package io.agentserver.organism;

import org.jspecify.annotations.Nullable;

import java.math.BigDecimal;

/**
 * A declared field of a payload: one child element of its root.
 *
 * @param doc what it means, for callers; may be empty
 * @param min least length of a string, least value of a number; other types have none
 * @param max greatest length or value, inclusive
 * @param optional may be missing
 * @param repeated may occur any number of times
 */
public record Field(
        String name,
        FieldType type,
        String doc,
        @Nullable BigDecimal min,
        @Nullable BigDecimal max,
        boolean optional,
        boolean repeated) {

    /** The greatest length that a string's bounds can name: that of a whole envelope. */
    static final int GREATEST_LENGTH = 256 * 1024;

    /** A field that must be there once, without bounds. */
    public static Field of(String name, FieldType type) {
        return new Field(name, type, "", null, null, false, false);
    }

    public Field {
        if (!XmlNames.isName(name)) {
            throw new IllegalArgumentException(
                    "'" + name + "' is no XML name; use letters, digits, '.', '_', '-', 128 at most");
        }
        checkBound(type, "min", min);
        checkBound(type, "max", max);
        if (min != null && max != null && min.compareTo(max) > 0) {
            throw new IllegalArgumentException(
                    "min " + min.toPlainString() + " is over max " + max.toPlainString() + "; swap or widen them");
        }
    }

    private static void checkBound(FieldType type, String key, @Nullable BigDecimal bound) {
        if (bound == null) {
            return;
        }
        if (type != FieldType.STRING && !type.isNumber()) {
            throw new IllegalArgumentException(key + " does not apply to the type " + type.label()
                    + "; remove it, or use string, int, long or decimal");
        }
        if (Math.abs((long) bound.scale()) > 40 || bound.precision() > 40) {
            throw new IllegalArgumentException(key + " has too many digits; use 40 at most");
        }
        BigDecimal least = switch (type) {
            case STRING -> BigDecimal.ZERO;
            case INT -> BigDecimal.valueOf(Integer.MIN_VALUE);
            case LONG -> BigDecimal.valueOf(Long.MIN_VALUE);
            case DECIMAL, BOOLEAN, DATE, DATETIME -> bound;
        };
        BigDecimal greatest = switch (type) {
            case STRING -> BigDecimal.valueOf(GREATEST_LENGTH);
            case INT -> BigDecimal.valueOf(Integer.MAX_VALUE);
            case LONG -> BigDecimal.valueOf(Long.MAX_VALUE);
            case DECIMAL, BOOLEAN, DATE, DATETIME -> bound;
        };
        boolean whole = type == FieldType.DECIMAL || bound.stripTrailingZeros().scale() <= 0;
        if (!whole || bound.compareTo(least) < 0 || bound.compareTo(greatest) > 0) {
            throw new IllegalArgumentException(
                    key + " " + bound.toPlainString() + " does not fit the type " + type.label()
                            + "; use a whole number from " + least.toPlainString() + " to " + greatest.toPlainString());
        }
    }

    /** A value that this field takes: {@code …} for text, a plain one within the bounds otherwise. */
    String sample() {
        return switch (type) {
            case STRING -> "…".repeat(within(BigDecimal.ONE).intValueExact());
            case INT, LONG -> within(BigDecimal.ONE).toBigInteger().toString();
            case DECIMAL -> within(new BigDecimal("1.5")).toPlainString();
            case BOOLEAN -> "true";
            case DATE -> "2026-01-31";
            case DATETIME -> "2026-01-31T12:00:00Z";
        };
    }

    private BigDecimal within(BigDecimal value) {
        if (min != null && value.compareTo(min) < 0) {
            return min;
        }
        return max != null && value.compareTo(max) > 0 ? max : value;
    }
}
