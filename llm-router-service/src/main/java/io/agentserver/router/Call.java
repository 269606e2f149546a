package io.agentserver.router;

import io.agentserver.envelope.TenantId;

import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * One call of a model by one tenant.
 *
 * @param receipt its id, the same in the answer, the usage record and the ledger; of this run alone: a call that is
 *     repeated under its idempotency key has another one, and its answer, if it is the kept one, says that one's
 * @param trace W3C trace headers that the caller brought
 * @param client whether it is still there
 * @param cache how it wants to use it
 */
record Call(
        TenantId tenant,
        ChatRequest request,
        Attribution attribution,
        Optional<String> idempotencyKey,
        UUID receipt,
        Map<String, String> trace,
        HangUp client,
        CacheUse cache) {
    Call {
        trace = Map.copyOf(trace);
    }

    /** Of a caller that cannot hang up. */
    Call(
            TenantId tenant,
            ChatRequest request,
            Attribution attribution,
            Optional<String> idempotencyKey,
            UUID receipt,
            Map<String, String> trace) {
        this(tenant, request, attribution, idempotencyKey, receipt, trace, HangUp.NEVER, CacheUse.FULL);
    }
}
