package io.agentserver.gateway.credit;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.billing.Billing;
import io.agentserver.gateway.callers.Operator;
import io.agentserver.gateway.http.JsonBody;
import io.agentserver.gateway.openapi.Access;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.openapi.Takes;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.TenantDirectory;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.Set;
import java.util.regex.Pattern;

/** {@code POST /admin/v1/tenants/{id}/credit}: the operator gives a tenant credit, or takes some back. */
@RestController
public final class CreditEndpoint {
    private static final Pattern BARE_TOKEN = Pattern.compile("[\\x21-\\x7e]{1,255}");
    private static final long MOST = 1_000_000_000_000L;
    private static final int LONGEST_REASON = 200;

    private final Operator operator;
    private final TenantDirectory directory;
    private final Billing billing;

    public CreditEndpoint(Operator operator, TenantDirectory directory, Billing billing) {
        this.operator = operator;
        this.directory = directory;
        this.billing = billing;
    }

    @Call(
            id = "changeCredit",
            does = "Gives a tenant credit, or takes some back.",
            access = Access.OPERATOR,
            takes = @Takes("CreditChange"),
            answers = @Answer(value = "The new balance.", schema = "Credit"),
            problems = {ProblemType.IDEMPOTENCY_MISMATCH, ProblemType.UNAVAILABLE})
    @PostMapping("/admin/v1/tenants/{id}/credit")
    ResponseEntity<byte[]> adjust(
            @Param(value = "The tenant's id.", example = "acme") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @Param(
                            value = "It is posted once under a key.",
                            needed = true,
                            example = "gift-2030-01",
                            pattern = "^[!-~]{1,255}$")
                    @RequestHeader(value = "Idempotency-Key", required = false)
                    @Nullable
                    String key,
            HttpServletRequest request)
            throws IOException {
        operator.require(authorization);
        JsonBody body = JsonBody.read(request, Set.of("amount_microusd", "reason"));
        if (!TenantId.isValid(id)
                || directory
                        .find(new TenantId(id))
                        .filter(tenant -> !tenant.isDeleted())
                        .isEmpty()) {
            throw Problem.notFound().refusal();
        }
        if (key == null || !BARE_TOKEN.matcher(key).matches()) {
            throw Problem.of(
                            ProblemType.INVALID_REQUEST,
                            "Idempotency-Key: send one, 1 to 255 visible ASCII characters; it is posted once")
                    .refusal();
        }
        long amount = body.member("amount_microusd")
                .filter(value -> value.isIntegralNumber() && value.canConvertToLong())
                .map(value -> value.longValue())
                .filter(value -> value != 0 && value >= -MOST && value <= MOST)
                .orElseThrow(() -> JsonBody.invalid(
                        "amount_microusd", "must be a whole number from -" + MOST + " to " + MOST + ", not 0"));
        String reason = body.requiredText("reason");
        if (reason.isBlank() || reason.length() > LONGEST_REASON) {
            throw JsonBody.invalid("reason", "must have 1 to " + LONGEST_REASON + " characters");
        }
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_JSON)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .body(billing.adjust(new TenantId(id), amount, reason, key));
    }
}
