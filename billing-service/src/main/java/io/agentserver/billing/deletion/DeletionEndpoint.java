package io.agentserver.billing.deletion;

import io.agentserver.billing.Problems;
import io.agentserver.billing.console.DynamoMembers;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.messages.DynamoDayStarts;
import io.agentserver.envelope.ServiceToken.Caller;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.ServiceTokens;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.util.Map;
import java.util.Optional;

/**
 * {@code DELETE /internal/v1/tenant}: the gateway has the people, the counts of messages and the sums of usage of the tenant that
 * its token names deleted, some thousand items at a time, until {@code freed} is 0. The postings stay. Repeating it is harmless.
 */
@RestController
public final class DeletionEndpoint {
    private static final String BEARER = "Bearer ";

    private final DynamoMembers members;
    private final DynamoDayStarts days;
    private final LedgerStore ledger;
    private final ServiceTokens tokens;
    private final Problems problems;

    public DeletionEndpoint(
            DynamoMembers members, DynamoDayStarts days, LedgerStore ledger, ServiceTokens tokens, Problems problems) {
        this.members = members;
        this.days = days;
        this.ledger = ledger;
        this.tokens = tokens;
        this.problems = problems;
    }

    @DeleteMapping("/internal/v1/tenant")
    ResponseEntity<?> delete(@RequestHeader(name = "Authorization", required = false) @Nullable String authorization) {
        Optional<Caller> caller = authorization != null && authorization.startsWith(BEARER)
                ? tokens.verify(authorization.substring(BEARER.length()), ServiceTokens.TENANT_DELETE)
                : Optional.empty();
        if (caller.isEmpty()) {
            return problems.answer(
                    HttpStatus.UNAUTHORIZED, "unauthenticated", "a service token with scope tenant:delete is needed");
        }
        TenantId tenant = caller.get().tenant();
        long freed = members.forget(tenant) + days.forget(tenant) + ledger.forgetUsage(tenant);
        return ResponseEntity.ok(Map.of("freed", freed));
    }
}
