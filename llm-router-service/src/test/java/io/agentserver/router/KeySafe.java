package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.sealing.TenantKey;
import io.agentserver.sealing.TenantKeys;
import io.agentserver.tenancy.TenantEntry.ProviderKey;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/** A store of data keys that is away, or hangs, when it is told to; and the gateway's part of sealing with them. */
final class KeySafe implements TenantKeys {
    private static final String ID = "0000000001";

    final List<TenantId> reads = new CopyOnWriteArrayList<>();
    private final Map<TenantId, TenantKey> keys = new ConcurrentHashMap<>();
    private final Map<TenantId, CountDownLatch> hanging = new ConcurrentHashMap<>();
    private volatile boolean away;
    private volatile boolean unwrapped;

    @Override
    public Optional<TenantKey> find(TenantId tenant, String id) {
        reads.add(tenant);
        CountDownLatch hangs = hanging.get(tenant);
        if (hangs != null) {
            try {
                hangs.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        if (away) {
            throw new KeysUnavailableException("the table does not answer", new IllegalStateException("timeout"));
        }
        if (unwrapped) {
            throw new KeysUnavailableException("the platform's key is not here", null);
        }
        return Optional.ofNullable(keys.get(tenant)).filter(key -> key.id().equals(id));
    }

    void isAway(boolean now) {
        away = now;
    }

    /** The platform's key that data keys are wrapped under is not here any more. */
    void losesThePlatformsKey() {
        unwrapped = true;
    }

    void hangsFor(TenantId tenant) {
        hanging.put(tenant, new CountDownLatch(1));
    }

    void goesOnFor(TenantId tenant) {
        CountDownLatch hangs = hanging.remove(tenant);
        if (hangs != null) {
            hangs.countDown();
        }
    }

    void destroy(TenantId tenant) {
        keys.remove(tenant);
    }

    ProviderKey seal(TenantId tenant, String provider, String secret) {
        TenantKey key = keys.computeIfAbsent(tenant, _ -> new TenantKey(ID, randomBytes()));
        byte[] sealed = key.seal(secret.getBytes(StandardCharsets.UTF_8), ProviderKey.associated(tenant, provider));
        return new ProviderKey(
                provider,
                key.id(),
                Base64.getUrlEncoder().withoutPadding().encodeToString(sealed),
                secret.substring(Math.max(0, secret.length() - 4)),
                Instant.EPOCH);
    }

    private static byte[] randomBytes() {
        byte[] bytes = new byte[TenantKey.BYTES];
        new java.security.SecureRandom().nextBytes(bytes);
        return bytes;
    }
}
