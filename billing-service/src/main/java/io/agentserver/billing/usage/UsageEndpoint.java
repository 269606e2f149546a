package io.agentserver.billing.usage;

import io.agentserver.billing.Problems;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.envelope.ServiceToken.Caller;
import io.agentserver.service.ServiceTokens;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.time.Clock;
import java.util.Optional;

/** {@code GET /internal/v1/usage}: the gateway asks for a tenant, the one that its token names. */
@RestController
public final class UsageEndpoint {
    private static final String BEARER = "Bearer ";

    private final Ledger ledger;
    private final ServiceTokens tokens;
    private final Problems problems;
    private final Clock clock;

    public UsageEndpoint(Ledger ledger, ServiceTokens tokens, Problems problems, Clock clock) {
        this.ledger = ledger;
        this.tokens = tokens;
        this.problems = problems;
        this.clock = clock;
    }

    @GetMapping("/internal/v1/usage")
    ResponseEntity<?> usage(
            @RequestHeader(name = "Authorization", required = false) @Nullable String authorization,
            @RequestParam(required = false) @Nullable String from,
            @RequestParam(required = false) @Nullable String to) {
        Optional<Caller> caller = caller(authorization);
        if (caller.isEmpty()) {
            return problems.answer(
                    HttpStatus.UNAUTHORIZED, "unauthenticated", "a service token with scope usage:read is needed");
        }
        return switch (UsageQuery.parse(from, to, clock)) {
            case UsageQuery.Wrong wrong -> problems.answer(HttpStatus.BAD_REQUEST, "invalid-parameter", wrong.detail());
            case UsageQuery.Days days ->
                ResponseEntity.ok(UsageBody.of(ledger.usage(caller.get().tenant(), days.from(), days.to())));
        };
    }

    private Optional<Caller> caller(@Nullable String authorization) {
        return authorization != null && authorization.startsWith(BEARER)
                ? tokens.verify(authorization.substring(BEARER.length()), ServiceTokens.USAGE_READ)
                : Optional.empty();
    }
}
