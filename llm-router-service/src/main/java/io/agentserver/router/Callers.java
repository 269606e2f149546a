package io.agentserver.router;

import io.agentserver.envelope.ServiceToken.Caller;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.ServiceTokens;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.KeyUses;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantDirectory;
import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/**
 * Whose call it is: by an org's API key with the scope {@code llm:call}, or by another service's token, which names the
 * tenant it speaks for. Without heartbeats of the directory no API key is honoured, and
 * nothing before it has caught up. That a living key was sent is its use. Safe on any thread.
 */
final class Callers {
    private static final String BEARER = "bearer ";

    private final TenantDirectory directory;
    private final ServiceTokens tokens;
    private final KeyUses uses;
    private final Clock clock;

    sealed interface Identity {
        /** @param service whether another service asks for the tenant */
        record Known(TenantId tenant, boolean service) implements Identity {}

        record Refused(Refusal refusal) implements Identity {}
    }

    Callers(TenantDirectory directory, ServiceTokens tokens, KeyUses uses, Clock clock) {
        this.directory = directory;
        this.tokens = tokens;
        this.uses = uses;
        this.clock = clock;
    }

    /** @param apiKey the header {@code x-api-key}, used if there is no {@code Authorization} */
    Identity identify(@Nullable String authorization, @Nullable String apiKey) {
        Optional<String> secret = authorization == null
                ? Optional.ofNullable(apiKey)
                : Optional.of(authorization)
                        .filter(header -> header.regionMatches(true, 0, BEARER, 0, BEARER.length()))
                        .map(header -> header.substring(BEARER.length()).strip());
        if (secret.isEmpty()) {
            return unauthenticated();
        }
        return ApiKey.parse(secret.get()).map(this::byApiKey).orElseGet(() -> byServiceToken(secret.get()));
    }

    /** Before all tenants are known their limits are not: nothing would count a call. */
    private Identity byServiceToken(String token) {
        Optional<Caller> caller = tokens.verify(token, ServiceTokens.LLM_CALL);
        if (caller.isPresent() && !directory.isCaughtUp()) {
            return new Identity.Refused(Refusal.unavailable("tenants are not known yet; try again"));
        }
        return caller.filter(known -> !directory.isGone(known.tenant()))
                .<Identity>map(known -> new Identity.Known(known.tenant(), true))
                .orElseGet(Callers::unauthenticated);
    }

    private Identity byApiKey(ApiKey key) {
        if (!directory.isFresh()) {
            return new Identity.Refused(Refusal.unavailable("keys cannot be checked at the moment; try again"));
        }
        Instant now = clock.instant();
        Optional<TenantDirectory.KeyOwner> owner =
                directory.keyByHash(key.hash()).filter(found -> found.key().isAlive(now));
        if (owner.isEmpty()) {
            return unauthenticated();
        }
        uses.saw(owner.get().tenant().tenantId(), owner.get().key().id(), now);
        return owner.get().key().scopes().contains(Scope.LLM_CALL.wireName())
                ? new Identity.Known(owner.get().tenant().tenantId(), false)
                : new Identity.Refused(Refusal.of(
                        403, Refusal.Reason.FORBIDDEN, "this API key lacks the scope " + Scope.LLM_CALL.wireName()));
    }

    /** One and the same for every cause. */
    private static Identity unauthenticated() {
        return new Identity.Refused(Refusal.of(
                401,
                Refusal.Reason.UNAUTHENTICATED,
                "no valid key: send Authorization: Bearer <API key> or x-api-key: <API key>"));
    }
}
