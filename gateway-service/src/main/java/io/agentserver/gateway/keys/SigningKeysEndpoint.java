package io.agentserver.gateway.keys;

import io.agentserver.envelope.VerificationKey;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.http.JsonBody;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.openapi.Takes;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.Scope;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.Map;
import java.util.Set;

/** {@code /v1/signing-keys}: the public keys that the org signs its envelopes with. */
@RestController
public final class SigningKeysEndpoint extends JsonEndpoint {
    /** What RFC 7517, 7518 and 8037 know, private parts included: those are refused with a reason of their own. */
    private static final Set<String> JWK_MEMBERS = Set.of(
            "kty",
            "use",
            "key_ops",
            "alg",
            "kid",
            "crv",
            "x",
            "y",
            "n",
            "e",
            "d",
            "p",
            "q",
            "dp",
            "dq",
            "qi",
            "oth",
            "k",
            "x5u",
            "x5c",
            "x5t",
            "x5t#S256");

    private final Callers callers;
    private final Keys keys;

    public SigningKeysEndpoint(Callers callers, Keys keys) {
        this.callers = callers;
        this.keys = keys;
    }

    @Call(
            id = "listSigningKeys",
            does = "Lists the org's signing keys.",
            scopes = Scope.KEYS_WRITE,
            answers = @Answer(value = "All of them.", schema = "SigningKeys"))
    @GetMapping("/v1/signing-keys")
    ResponseEntity<byte[]> list(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization, Scope.KEYS_WRITE);
        return ok(Map.of(
                "data",
                caller.tenant().signingKeys().stream()
                        .filter(key -> key.deletedAt() == null)
                        .map(key -> Map.of(
                                "kid", key.kid(),
                                "alg", key.alg(),
                                "created_at", key.createdAt().toString()))
                        .toList()));
    }

    @Call(
            id = "registerSigningKey",
            does = "Registers a public key; envelopes that its other half has signed are taken without an API key.",
            more = "Whoever signs sends messages: so both scopes are needed.",
            scopes = {Scope.KEYS_WRITE, Scope.MESSAGES_WRITE},
            allScopes = true,
            takes = @Takes("Jwk"),
            answers = @Answer(status = 201, value = "It is registered.", schema = "SigningKey", headers = "Location"),
            problems = {ProblemType.INVALID_KEY, ProblemType.CONFLICT, ProblemType.NOT_FOUND})
    @PostMapping("/v1/signing-keys")
    ResponseEntity<byte[]> register(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        Caller caller = callers.requireAll(authorization, Scope.KEYS_WRITE, Scope.MESSAGES_WRITE);
        String jwk = JsonBody.read(request, JWK_MEMBERS).toString();
        VerificationKey key;
        try {
            key = VerificationKey.ofJwk(jwk);
        } catch (VerificationKey.Unfit e) {
            throw Problem.of(ProblemType.INVALID_KEY, String.valueOf(e.getMessage()))
                    .refusal();
        }
        if (!keys.register(caller.tenantId(), key, VerificationKey.publicMembers(jwk))) {
            throw Problem.of(
                            ProblemType.CONFLICT, "the kid " + key.kid() + " is, or was, another key's; choose another")
                    .refusal();
        }
        return answer(
                HttpStatus.CREATED,
                Map.of(HttpHeaders.LOCATION, "/v1/signing-keys/" + key.kid()),
                Map.of("kid", key.kid(), "alg", key.algorithm().name()));
    }

    @Call(
            id = "deleteSigningKey",
            does = "Deletes a signing key; what was admitted under it stays valid.",
            scopes = Scope.KEYS_WRITE,
            answers = @Answer(status = 204, value = "It is deleted."),
            problems = ProblemType.NOT_FOUND)
    @DeleteMapping("/v1/signing-keys/{kid}")
    ResponseEntity<byte[]> delete(
            @Param(value = "The key's id.", example = "2030-01") @PathVariable String kid,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization, Scope.KEYS_WRITE);
        if (!keys.deleteSigningKey(caller.tenantId(), kid)) {
            throw Problem.notFound().refusal();
        }
        return ResponseEntity.noContent().build();
    }
}
