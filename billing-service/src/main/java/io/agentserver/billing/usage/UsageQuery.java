package io.agentserver.billing.usage;

import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;

/** The days that a caller asks for. */
sealed interface UsageQuery {
    int MOST_DAYS = 366;
    int DEFAULT_DAYS = 31;

    /** @param to inclusive */
    record Days(LocalDate from, LocalDate to) implements UsageQuery {}

    /** @param parameter which of the two is wrong */
    record Wrong(String parameter, String detail) implements UsageQuery {}

    /** Without {@code to}: until today (UTC); without {@code from}: the 31 days up to {@code to}. */
    static UsageQuery parse(@Nullable String from, @Nullable String to, Clock clock) {
        LocalDate last = day(to, LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC));
        if (last == null) {
            return wrongDay("to", to);
        }
        LocalDate first = day(from, last.minusDays(DEFAULT_DAYS - 1));
        if (first == null) {
            return wrongDay("from", from);
        }
        if (first.isAfter(last)) {
            return new Wrong("from", "from: " + first + " is after to: " + last + "; swap them");
        }
        if (ChronoUnit.DAYS.between(first, last) >= MOST_DAYS) {
            return new Wrong(
                    "from", "from: " + first + " to: " + last + " are more than " + MOST_DAYS + " days; ask for fewer");
        }
        return new Days(first, last);
    }

    private static @Nullable LocalDate day(@Nullable String text, LocalDate otherwise) {
        if (text == null) {
            return otherwise;
        }
        try {
            LocalDate day = LocalDate.parse(text);
            // four digits, as the ledger's keys have, sort as days do
            return day.getYear() >= 2000 && day.getYear() <= 9999 ? day : null;
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    private static Wrong wrongDay(String parameter, @Nullable String text) {
        String shown = text == null ? "" : text.substring(0, Math.min(text.length(), 64));
        return new Wrong(parameter, parameter + ": <" + shown + "> is no day; write it as 2026-01-31");
    }
}
