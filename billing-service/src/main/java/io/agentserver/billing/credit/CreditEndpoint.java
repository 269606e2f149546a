package io.agentserver.billing.credit;

import io.agentserver.billing.Problems;
import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.ServiceToken.Caller;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.ServiceTokens;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code POST /internal/v1/credit}: the gateway posts what an operator gives a tenant, the one that its token names.
 * Idempotent by the key, within the tenant.
 */
@RestController
public final class CreditEndpoint {
    private static final String BEARER = "Bearer ";
    private static final long MOST = 1_000_000_000_000L;

    private final Ledger ledger;
    private final ServiceTokens tokens;
    private final Problems problems;
    private final Clock clock;

    public CreditEndpoint(Ledger ledger, ServiceTokens tokens, Problems problems, Clock clock) {
        this.ledger = ledger;
        this.tokens = tokens;
        this.problems = problems;
        this.clock = clock;
    }

    @PostMapping("/internal/v1/credit")
    ResponseEntity<?> adjust(
            @RequestHeader(name = "Authorization", required = false) @Nullable String authorization,
            @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
            @RequestParam("amount_microusd") long amount,
            @RequestParam String reason) {
        Optional<Caller> caller = authorization != null && authorization.startsWith(BEARER)
                ? tokens.verify(authorization.substring(BEARER.length()), ServiceTokens.CREDIT_WRITE)
                : Optional.empty();
        if (caller.isEmpty()) {
            return problems.answer(
                    HttpStatus.UNAUTHORIZED, "unauthenticated", "a service token with scope credit:write is needed");
        }
        if (key == null
                || key.isBlank()
                || amount == 0
                || amount < -MOST
                || amount > MOST
                || reason.isBlank()
                || reason.length() > PostingGroup.LONGEST_NOTE) {
            return problems.answer(
                    HttpStatus.UNPROCESSABLE_CONTENT,
                    "invalid-field",
                    "an Idempotency-Key, an amount_microusd from -" + MOST + " to " + MOST
                            + " other than 0, and a reason of" + " at most " + PostingGroup.LONGEST_NOTE
                            + " characters are needed");
        }
        TenantId tenant = caller.get().tenant();
        GroupId id = GroupId.of(
                GroupKind.ADJUSTMENT, Ids.inTenant(tenant, "adjustment:" + key).toString());
        PostingGroup group =
                PostingGroup.credit(id, tenant, clock.instant(), new MicroUsd(amount), Account.ADJUSTMENTS, reason);
        ledger.post(List.of(group));
        PostingGroup posted = ledger.find(id).orElseThrow();
        if (!posted.postings().equals(group.postings()) || !reason.equals(posted.note())) {
            return problems.answer(
                    HttpStatus.UNPROCESSABLE_CONTENT,
                    "idempotency-mismatch",
                    "the Idempotency-Key was used for another amount or reason; take a new one");
        }
        return ResponseEntity.ok(Map.of(
                "id",
                id.value(),
                "balance_microusd",
                ledger.balance(tenant).credit().value()));
    }
}
