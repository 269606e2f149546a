package io.agentserver.router;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.sealing.TenantKey;
import io.agentserver.sealing.TenantKeys;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/**
 * Opens what tenants' own keys are sealed in. A data key is read on a thread of its own, once at a time for one tenant and key:
 * a store that hangs keeps who needs that key waiting, for {@link #PATIENCE} at most, and nobody else. Safe on any thread.
 */
final class KeyOpener {
    private static final Logger LOG = LoggerFactory.getLogger(KeyOpener.class);

    /** From when a read began; who comes later does not wait at all. */
    static final Duration PATIENCE = Duration.ofSeconds(2);

    /** After one that failed, until the next. */
    static final Duration AGAIN = Duration.ofSeconds(3);

    private static final Duration TELL_EVERY = Duration.ofMinutes(1);
    private static final int MOST_TOLD = 10_000;
    private static final Executor THREADS =
            task -> Thread.ofVirtual().name("tenant-key").start(task);

    /** A header's value: with anything else the HTTP client would refuse the request, and say the key in its reason. */
    private static final Pattern KEY = Pattern.compile("[\\x21-\\x7e]{1,4096}");

    private final TenantKeys keys;
    private final Map<DataKey, CompletableFuture<Optional<TenantKey>>> reads = new ConcurrentHashMap<>();
    private final Cache<String, Boolean> told = Caffeine.newBuilder()
            .maximumSize(MOST_TOLD)
            .expireAfterWrite(TELL_EVERY)
            .build();

    private record DataKey(TenantId tenant, String id) {}

    private sealed interface Outcome {
        record Opened(String secret) implements Outcome {}

        record Failed(String why, Stopwatch since) implements Outcome {}
    }

    KeyOpener(TenantKeys keys) {
        this.keys = keys;
    }

    /** Does not block. */
    Opening open(TenantId tenant, ProviderKey sealed) {
        DataKey dataKey = new DataKey(tenant, sealed.keyId());
        CompletableFuture<Optional<TenantKey>> read = reads.computeIfAbsent(
                dataKey, _ -> CompletableFuture.supplyAsync(() -> keys.find(tenant, sealed.keyId()), THREADS));
        var _ = read.whenComplete((_, _) -> reads.remove(dataKey, read));
        return new Opening(
                sealed.provider(),
                read.handle((key, failure) ->
                                failure == null ? opened(tenant, sealed, key) : failed(tenant, sealed, failure))
                        .exceptionally(unexpected -> away(sealed.provider(), unexpected)));
    }

    private Outcome opened(TenantId tenant, ProviderKey sealed, Optional<TenantKey> key) {
        if (key.isEmpty()) {
            return unusable(tenant, sealed, "the data key that it is sealed with is not there any more");
        }
        Optional<String> secret;
        try {
            secret = key.get()
                    .open(
                            Base64.getUrlDecoder().decode(sealed.sealed()),
                            ProviderKey.associated(tenant, sealed.provider()))
                    .map(value -> new String(value, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException notBase64) {
            secret = Optional.empty();
        }
        if (secret.isEmpty()) {
            return unusable(tenant, sealed, "it was not sealed for this tenant and provider, or has been changed");
        }
        return KEY.matcher(secret.get()).matches()
                ? new Outcome.Opened(secret.get())
                : unusable(tenant, sealed, "what is sealed there is no key");
    }

    private Outcome unusable(TenantId tenant, ProviderKey sealed, String why) {
        if (isToBeTold(tenant.value())) {
            LOG.warn("tenant {}'s own key of {} cannot be opened: {}", tenant, sealed.provider(), why);
        }
        return new Outcome.Failed(
                "the tenant's own key of " + sealed.provider() + " cannot be opened: store it again", new Stopwatch());
    }

    /** The store says without a cause what no waiting mends: the platform's key is not here, or does not fit. */
    private Outcome failed(TenantId tenant, ProviderKey sealed, Throwable failure) {
        Throwable said =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return said instanceof KeysUnavailableException && said.getCause() == null
                ? unusable(tenant, sealed, String.valueOf(said.getMessage()))
                : away(sealed.provider(), failure);
    }

    private Outcome away(String provider, @Nullable Throwable failure) {
        if (isToBeTold("")) { // no tenant's id: the store is everybody's
            LOG.warn("data keys of tenants cannot be read: calls under tenants' own keys fail meanwhile", failure);
        }
        return new Outcome.Failed(notNow(provider), new Stopwatch());
    }

    private boolean isToBeTold(String whose) {
        return told.asMap().putIfAbsent(whose, true) == null;
    }

    private static String notNow(String provider) {
        return "the tenant's own key of " + provider + " cannot be opened at the moment";
    }

    /** One try at one key. */
    static final class Opening {
        private final String provider;
        private final CompletableFuture<Outcome> outcome;
        private final Stopwatch since = new Stopwatch();

        private Opening(String provider, CompletableFuture<Outcome> outcome) {
            this.provider = provider;
            this.outcome = outcome;
        }

        /** Whether it has failed, long enough ago. */
        boolean isToBeTriedAgain() {
            return outcome.isDone()
                    && outcome.join() instanceof Outcome.Failed failed
                    && failed.since().left(AGAIN).isNegative();
        }

        /** @throws KeyNotOpenedException if it has failed, or takes too long */
        String await() throws KeyNotOpenedException, InterruptedException {
            try {
                long nanos = Math.max(0, since.left(PATIENCE).toNanos());
                return switch (outcome.get(nanos, TimeUnit.NANOSECONDS)) {
                    case Outcome.Opened opened -> opened.secret();
                    case Outcome.Failed failed -> throw new KeyNotOpenedException(failed.why());
                };
            } catch (TimeoutException hangs) {
                throw new KeyNotOpenedException(notNow(provider));
            } catch (ExecutionException impossible) {
                throw new IllegalStateException("only ever completed normally", impossible);
            }
        }
    }
}
