package io.agentserver.router;

import io.agentserver.credit.Minute;
import io.agentserver.credit.Reservation;

import java.time.Duration;
import java.util.function.BiConsumer;

/** What a client is told of its tenant's limits. */
final class Limits {
    private Limits() {}

    /** {@code x-ratelimit-…} of what is limited, as OpenAI writes them. */
    static void headers(Minute minute, BiConsumer<String, String> header) {
        headers("requests", minute.requests(), header);
        headers("tokens", minute.tokens(), header);
    }

    /** @param tokens that the call may use */
    static Refusal refusal(Reservation.Limited limited, long tokens) {
        if (limited.retryAfter().isEmpty()) {
            return Refusal.of(
                    413,
                    Refusal.Reason.TOO_LARGE,
                    "this call may use up to " + tokens + " tokens, and a minute has "
                            + limited.minute().tokens().limit() + ": ask with a smaller max_tokens, or with less");
        }
        String message = switch (limited.limit()) {
            case REQUESTS ->
                limited.minute().requests().limit() + " requests a minute are allowed: wait, or ask for more";
            case TOKENS ->
                "this call may use up to " + tokens + " tokens, of "
                        + limited.minute().tokens().limit() + " a minute "
                        + limited.minute().tokens().left()
                        + " are left: wait, or ask with a smaller max_tokens";
            case CONCURRENCY -> "as many calls run as may at once: wait for one of them";
        };
        return new Refusal(
                429,
                Refusal.Reason.RATE_LIMITED,
                message,
                null,
                seconds(limited.retryAfter().get()));
    }

    private static Duration seconds(Duration exact) {
        return Duration.ofSeconds(exact.plusMillis(999).toSeconds());
    }

    private static void headers(String of, Minute.Part part, BiConsumer<String, String> header) {
        if (part.isLimited()) {
            header.accept("x-ratelimit-limit-" + of, String.valueOf(part.limit()));
            header.accept("x-ratelimit-remaining-" + of, String.valueOf(part.left()));
            header.accept("x-ratelimit-reset-" + of, text(part.reset()));
        }
    }

    /** {@code 6m0s}, {@code 1s}, {@code 20ms}: in whole seconds from one on, and never too early. */
    static String text(Duration exact) {
        if (exact.toSeconds() == 0) {
            return exact.toMillis() + "ms";
        }
        Duration time = seconds(exact);
        return (time.toMinutes() > 0 ? time.toMinutes() + "m" : "") + time.toSecondsPart() + "s";
    }
}
