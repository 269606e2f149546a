package io.agentserver.service;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.ServiceToken;
import io.agentserver.envelope.ServiceToken.Caller;
import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/** Issues and verifies {@link ServiceToken}s, each once a minute and tenant instead of once a call. Safe on any thread. */
public final class ServiceTokens {
    private static final Duration KEPT = Duration.ofSeconds(60);

    /** Scopes of calls between services. */
    public static final String BUFFER = "buffer";

    public static final String LLM_CALL = "llm:call";
    public static final String USAGE_READ = "usage:read";

    /** Whom calls speak for that are about no one tenant. No org can have this id. */
    public static final TenantId PLATFORM = new TenantId(EnvelopeToken.PLATFORM);

    private final PlatformKeys keys;
    private final Clock clock;
    private final Cache<Caller, String> issued =
            Caffeine.newBuilder().expireAfterWrite(KEPT).maximumSize(10_000).build();
    private final Cache<String, Caller> verified =
            Caffeine.newBuilder().expireAfterWrite(KEPT).maximumSize(10_000).build();

    public ServiceTokens(PlatformKeys keys, Clock clock) {
        this.keys = keys;
        this.clock = clock;
    }

    public String issue(TenantId tenant, String scope) {
        return issued.get(
                new Caller(tenant, scope), c -> ServiceToken.issue(keys.signing(), c.tenant(), c.scope(), clock));
    }

    /** @param token without {@code Bearer} */
    public Optional<Caller> verify(String token, String scope) {
        Caller known = verified.getIfPresent(token);
        if (known != null) {
            return known.scope().equals(scope) ? Optional.of(known) : Optional.empty();
        }
        Optional<Caller> caller = ServiceToken.verify(token, keys::find, scope, clock);
        caller.ifPresent(c -> verified.put(token, c));
        return caller;
    }
}
