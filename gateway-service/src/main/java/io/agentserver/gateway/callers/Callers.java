package io.agentserver.gateway.callers;

import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.service.ServiceTokens;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.KeyUses;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/**
 * Tells who calls by the {@code Authorization} header, from the directory alone and without a network: a tenant by one of its
 * API keys, or another service by its token for a tenant (CONTRACTS 2). In: the header. Out: the caller, or a refusal that is
 * the same for every cause. A pod that hears no heartbeat of the directory honours no key,
 * for it would not hear of a revocation either. That a living key was sent is its use, whatever comes of it. Safe on any thread.
 */
public final class Callers {
    private static final String BEARER = "bearer ";

    private final TenantDirectory directory;
    private final ServiceTokens services;
    private final KeyUses uses;
    private final Clock clock;

    public Callers(TenantDirectory directory, ServiceTokens services, KeyUses uses, Clock clock) {
        this.directory = directory;
        this.services = services;
        this.uses = uses;
        this.clock = clock;
    }

    /**
     * The caller, who may do this.
     *
     * @param others scopes that include it
     * @throws io.agentserver.gateway.problems.Refusal 401, 403, 503
     */
    public Caller require(@Nullable String authorization, Scope scope, Scope... others) {
        Caller caller = require(authorization);
        if (!caller.has(scope) && Arrays.stream(others).noneMatch(caller::has)) {
            throw Problem.of(ProblemType.FORBIDDEN, "the API key has not the scope " + scope.wireName())
                    .refusal();
        }
        return caller;
    }

    /**
     * The caller, who may do all of these.
     *
     * @throws io.agentserver.gateway.problems.Refusal 401, 403, 503
     */
    public Caller requireAll(@Nullable String authorization, Scope... scopes) {
        Caller caller = require(authorization);
        for (Scope scope : scopes) {
            if (!caller.has(scope)) {
                throw Problem.of(ProblemType.FORBIDDEN, "the API key has not the scope " + scope.wireName())
                        .refusal();
            }
        }
        return caller;
    }

    /** Whether a caller would still be one: for what goes on after it was let in. A key's scopes never change. */
    public boolean isStillOne(Caller caller) {
        return directory.isFresh()
                && directory
                        .find(caller.tenantId())
                        .filter(tenant -> !tenant.isDeleted())
                        .filter(tenant -> caller.keyId() == null
                                || tenant.apiKeys().stream()
                                        .anyMatch(
                                                key -> key.id().equals(caller.keyId()) && key.isAlive(clock.instant())))
                        .isPresent();
    }

    /**
     * The caller, whatever it may do.
     *
     * @throws io.agentserver.gateway.problems.Refusal 401, 503
     */
    public Caller require(@Nullable String authorization) {
        requireFreshDirectory();
        Caller caller =
                find(authorization).orElseThrow(() -> Problem.unauthenticated().refusal());
        MDC.put("tenant", caller.tenant().id());
        return caller;
    }

    /** Whoever it is, as far as this pod knows; nobody is turned away yet. */
    public Optional<Caller> find(@Nullable String authorization) {
        return Optional.ofNullable(bearer(authorization))
                .flatMap(bearer -> tenant(bearer).or(() -> service(bearer)));
    }

    private Optional<Caller> tenant(String bearer) {
        return ApiKey.parse(bearer)
                .flatMap(key -> directory.keyByHash(key.hash()))
                .flatMap(owner -> living(owner.tenant(), owner.key()));
    }

    private Optional<Caller> living(TenantEntry tenant, TenantEntry.Key key) {
        Instant now = clock.instant();
        if (!key.isAlive(now)) {
            return Optional.empty();
        }
        uses.saw(tenant.tenantId(), key.id(), now);
        return Optional.of(new Caller(tenant, key.id(), key.scopes()));
    }

    /** A token with any scope that no API key can have is for another service's ears. */
    private Optional<Caller> service(String bearer) {
        return services.read(bearer).flatMap(token -> {
            Set<String> scopes = Set.copyOf(Arrays.asList(token.scope().split(" ", -1)));
            return scopes.stream().allMatch(scope -> Scope.of(scope).isPresent())
                    ? directory
                            .find(token.tenant())
                            .filter(tenant -> !tenant.isDeleted())
                            .map(tenant -> new Caller(tenant, null, scopes))
                    : Optional.empty();
        });
    }

    /** @throws io.agentserver.gateway.problems.Refusal 503 if revocations may have been missed */
    public void requireFreshDirectory() {
        if (!directory.isFresh()) {
            throw Problem.unavailable(
                            "this gateway has lost touch with the tenant directory and honours no key until it"
                                    + " is back")
                    .refusal();
        }
    }

    /** The token of {@code Authorization: Bearer <token>}; null for anything else. */
    public static @Nullable String bearer(@Nullable String authorization) {
        return authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? authorization.substring(BEARER.length()).strip()
                : null;
    }
}
