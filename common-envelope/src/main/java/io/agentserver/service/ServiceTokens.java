package io.agentserver.service;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.ServiceToken;
import io.agentserver.envelope.ServiceToken.Caller;
import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Issues and verifies {@link ServiceToken}s, each once a minute and tenant instead of once a call. Safe on any thread. */
public final class ServiceTokens {
    private static final Duration KEPT = Duration.ofSeconds(60);

    /** Scopes of calls between services. */
    public static final String BUFFER = "buffer";

    public static final String LLM_CALL = "llm:call";
    public static final String USAGE_READ = "usage:read";
    public static final String CREDIT_WRITE = "credit:write";
    public static final String TENANT_DELETE = "tenant:delete";

    /** Whom calls speak for that are about no one tenant. No org can have this id. */
    public static final TenantId PLATFORM = new TenantId(EnvelopeToken.PLATFORM);

    private final PlatformKeys keys;
    private final Clock clock;
    private final Cache<Caller, Issued> issued =
            Caffeine.newBuilder().expireAfterWrite(KEPT).maximumSize(10_000).build();
    private final Cache<String, Caller> verified =
            Caffeine.newBuilder().expireAfterWrite(KEPT).maximumSize(10_000).build();

    /** With the wall clock's time of its making. */
    private record Issued(String token, Instant at) {}

    public ServiceTokens(PlatformKeys keys, Clock clock) {
        this.keys = keys;
        this.clock = clock;
    }

    public String issue(TenantId tenant, String scope) {
        Caller caller = new Caller(tenant, scope);
        Instant now = clock.instant();
        Issued known = issued.getIfPresent(caller);
        // a wall clock that was set since has made it one of the future, or of the past, for everybody else
        if (known == null || Duration.between(known.at(), now).abs().compareTo(KEPT) > 0) {
            known = new Issued(ServiceToken.issue(keys.signing(), tenant, scope, clock), now);
            issued.put(caller, known);
        }
        return known.token();
    }

    /** @param token without {@code Bearer} */
    public Optional<Caller> verify(String token, String scope) {
        return read(token).filter(caller -> caller.scope().equals(scope));
    }

    /**
     * Whoever's living token it is, whatever it is for.
     *
     * @param token without {@code Bearer}
     */
    public Optional<Caller> read(String token) {
        Caller known = verified.getIfPresent(token);
        if (known != null) {
            return Optional.of(known);
        }
        Optional<Caller> caller = ServiceToken.read(token, keys::find, clock);
        caller.ifPresent(c -> verified.put(token, c));
        return caller;
    }
}
