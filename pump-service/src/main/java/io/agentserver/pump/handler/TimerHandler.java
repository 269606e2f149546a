package io.agentserver.pump.handler;

import io.agentserver.pump.handler.SystemErrors.Code;
import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code builtin:timer}: answers at a time. The payload's field {@code At} is an instant (ISO 8601, {@code
 * 2026-01-31T08:00:00Z}), or {@code After} a time to wait ({@code PT1M30S}, or {@code 90s}, {@code 10m}, {@code 2h}), at most
 * 23 hours; what has passed is due at once. The answer has the listener's {@code response} root with the fields that it shares
 * with the payload, or is the payload itself. It waits in the journal, not in a thread; cancelling the conversation, or the end
 * of whoever called it, cancels it.
 */
final class TimerHandler implements MessageHandler {
    private static final Pattern SHORT_FORM = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

    private final Clock clock;

    TimerHandler(Clock clock) {
        this.clock = clock;
    }

    @Override
    public boolean isInstant() {
        return true;
    }

    @Override
    public HandlerResult handle(HandlerCall call) {
        if (call.waitedUntil() != null) {
            return HandlerResult.respond(
                    call.listener().response() == null
                            ? call.message().payload()
                            : PayloadFields.answer(call, text -> text));
        }
        Instant now = clock.instant();
        Instant at = at(PayloadFields.of(call), now);
        if (at == null) {
            return HandlerResult.failed(
                    Code.VALIDATION,
                    "a timer needs At, an instant such as 2026-01-31T08:00:00Z, or After, such as 90s");
        }
        Duration longest = call.longestWait();
        if (at.isAfter(now.plus(longest))) {
            return HandlerResult.failed(
                    Code.VALIDATION,
                    "a timer waits "
                            + (longest.toHours() > 0 ? longest.toHours() + " hours" : longest.toMinutes() + " minutes")
                            + " at most");
        }
        return new HandlerResult.Later(at.isBefore(now) ? now : at, Spent.NOTHING);
    }

    /** Null: the fields say no time, or two. */
    private static @Nullable Instant at(Map<String, List<String>> fields, Instant now) {
        List<String> at = fields.getOrDefault("At", List.of());
        List<String> after = fields.getOrDefault("After", List.of());
        try {
            if (at.size() == 1 && after.isEmpty()) {
                return Instant.parse(at.getFirst().strip());
            }
            if (after.size() == 1 && at.isEmpty()) {
                return now.plus(duration(after.getFirst().strip()));
            }
        } catch (DateTimeException | ArithmeticException e) {
            return null;
        }
        return null;
    }

    private static Duration duration(String text) {
        Matcher form = SHORT_FORM.matcher(text);
        if (!form.matches()) {
            return Duration.parse(text);
        }
        long count = Long.parseLong(form.group(1));
        return switch (form.group(2)) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            case "m" -> Duration.ofMinutes(count);
            default -> Duration.ofHours(count);
        };
    }
}
