package io.agentserver.gateway.usage;

import io.agentserver.gateway.billing.Billing;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.Scope;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;

/** {@code GET /v1/usage?from=…&to=…}: days in UTC, both included; the last 30 if not said. */
@RestController
public final class UsageEndpoint {
    private static final int DAYS = 30;
    private static final Logger LOG = LoggerFactory.getLogger(UsageEndpoint.class);
    private static final int MOST_DAYS = 366;
    private static final int FIRST_YEAR = 2000;
    private static final int LAST_YEAR = 9999;

    private final Callers callers;
    private final Billing billing;
    private final Clock clock;

    public UsageEndpoint(Callers callers, Billing billing, Clock clock) {
        this.callers = callers;
        this.billing = billing;
        this.clock = clock;
    }

    @Call(
            id = "readUsage",
            does = "Tokens, calls and cost by day, model and listener.",
            more =
                    "Days are in UTC, both are included, at most 366; without them it is the last 30. A call shows within 5 seconds.",
            scopes = Scope.USAGE_READ,
            answers = @Answer(value = "The usage.", schema = "Usage"))
    @GetMapping("/v1/usage")
    ResponseEntity<byte[]> read(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @Param(value = "The first day.", format = "date") @RequestParam(required = false) @Nullable String from,
            @Param(value = "The last day.", format = "date") @RequestParam(required = false) @Nullable String to) {
        Caller caller = callers.require(authorization, Scope.USAGE_READ);
        LocalDate last = to == null ? LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC) : day("to", to);
        LocalDate first = from == null ? earliest(last.minusDays(DAYS - 1)) : day("from", from);
        if (first.isAfter(last) || ChronoUnit.DAYS.between(first, last) >= MOST_DAYS) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "from, to: must be a span of 1 to " + MOST_DAYS + " days")
                    .refusal();
        }
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_JSON)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .body(billing.usage(caller.tenantId(), first, last));
    }

    /** Without {@code from} the first days may lie before those that there are. */
    private static LocalDate earliest(LocalDate day) {
        return day.getYear() < FIRST_YEAR ? LocalDate.of(FIRST_YEAR, 1, 1) : day;
    }

    private static LocalDate day(String what, String text) {
        try {
            LocalDate day = LocalDate.parse(text);
            if (day.getYear() >= FIRST_YEAR && day.getYear() <= LAST_YEAR) {
                return day;
            }
        } catch (DateTimeParseException e) {
            LOG.debug("told below, like a day that no calendar of ours has", e);
        }
        throw Problem.of(ProblemType.INVALID_REQUEST, what + ": must be a day, like 2030-01-31")
                .refusal();
    }
}
