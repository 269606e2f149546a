package io.agentserver.gateway.keys;

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
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** {@code /v1/provider-keys}: the tenant's own keys of LLM providers. They go in and never come out. */
@RestController
public final class ProviderKeysEndpoint extends JsonEndpoint {
    private static final String NAME = "[a-z][a-z0-9-]{0,62}";
    private static final Pattern PROVIDER = Pattern.compile(NAME);
    /** What a header may carry: all providers take theirs in one. */
    private static final Pattern KEY = Pattern.compile("[\\x21-\\x7e]{8,1024}");

    private final Callers callers;
    private final ProviderKeys keys;

    public ProviderKeysEndpoint(Callers callers, ProviderKeys keys) {
        this.callers = callers;
        this.keys = keys;
    }

    @Call(
            id = "listProviderKeys",
            does = "Lists the tenant's own keys of LLM providers, without the keys.",
            scopes = Scope.KEYS_WRITE,
            answers = @Answer(value = "All of them.", schema = "ProviderKeys"))
    @GetMapping("/v1/provider-keys")
    ResponseEntity<byte[]> list(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization, Scope.KEYS_WRITE);
        return ok(Map.of(
                "data",
                ProviderKeys.of(caller.tenant()).stream()
                        .map(ProviderKeysEndpoint::json)
                        .toList()));
    }

    @Call(
            id = "putProviderKey",
            does = "Gives the tenant's own key of an LLM provider, in place of the one before.",
            more =
                    "Its calls of that provider are made with it from then on, within 5 seconds everywhere, and paid there. It is"
                            + " sealed with a key of the tenant's alone, and no call answers it. The name is not compared with"
                            + " the platform's providers: under one that none has, or that takes no own keys, the key is kept and"
                            + " of no use, and calls go on under the platform's key and are billed. An answer of the router under"
                            + " the own key has `\"own_key\": true` in `agentserver`: make one call and look. Whoever says where"
                            + " prompts go must be allowed to send some: so both scopes are needed.",
            scopes = {Scope.KEYS_WRITE, Scope.LLM_CALL},
            allScopes = true,
            takes = @Takes("NewProviderKey"),
            answers = @Answer(value = "It is kept.", schema = "ProviderKey"),
            problems = {ProblemType.CONFLICT, ProblemType.NOT_FOUND})
    @PutMapping("/v1/provider-keys/{provider}")
    ResponseEntity<byte[]> put(
            @Param(value = "As the models' names begin: `openai` of `openai/…`.", example = "openai", pattern = NAME)
                    @PathVariable
                    String provider,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        Caller caller = callers.requireAll(authorization, Scope.KEYS_WRITE, Scope.LLM_CALL);
        if (!PROVIDER.matcher(provider).matches()) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "provider: must be of the form " + NAME)
                    .refusal();
        }
        String key = JsonBody.read(request, Set.of("key")).requiredText("key");
        if (!KEY.matcher(key).matches()) {
            throw JsonBody.invalid("key", "must have 8 to 1,024 visible ASCII characters, and no spaces");
        }
        return ok(json(keys.put(caller.tenantId(), provider, key)
                .orElseThrow(() -> Problem.notFound().refusal())));
    }

    @Call(
            id = "deleteProviderKey",
            does = "Forgets the tenant's own key of an LLM provider: within 5 seconds it is in use nowhere.",
            more =
                    "Calls of that provider go on from then on, its agents' too: under the platform's key, and billed. Both scopes"
                            + " are needed.",
            scopes = {Scope.KEYS_WRITE, Scope.LLM_CALL},
            allScopes = true,
            answers = @Answer(status = 204, value = "It is forgotten."),
            problems = ProblemType.NOT_FOUND)
    @DeleteMapping("/v1/provider-keys/{provider}")
    ResponseEntity<byte[]> delete(
            @Param(value = "Whose key it is.", example = "openai") @PathVariable String provider,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.requireAll(authorization, Scope.KEYS_WRITE, Scope.LLM_CALL);
        if (!keys.delete(caller.tenantId(), provider)) {
            throw Problem.notFound().refusal();
        }
        return ResponseEntity.noContent().build();
    }

    private static Map<String, Object> json(ProviderKey key) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("provider", key.provider());
        json.put("ends_with", key.endsWith());
        json.put("created_at", key.createdAt().toString());
        return json;
    }
}
