package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.redis.RedisClients;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A real Redis, one for all test classes; each test has tenants of its own. */
final class CreditRedis implements AutoCloseable {
    static final Duration LONG = Duration.ofMinutes(3);

    /** Of the holds that {@link #hold} makes. */
    static final UUID OWNER = UUID.randomUUID();

    final RedisClients clients;
    final Credit credit;
    private final LocalRedis server;
    private final Path directory;
    private final AtomicInteger tenants = new AtomicInteger();

    /** Gives the one Redis of this JVM to a test class's constructor. */
    static final class Extension implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == CreditRedis.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot()
                    .getStore(ExtensionContext.Namespace.GLOBAL)
                    .computeIfAbsent(CreditRedis.class, type -> new CreditRedis(), CreditRedis.class);
        }
    }

    private CreditRedis() {
        try {
            directory = Files.createTempDirectory("credit-redis");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        server = LocalRedis.start(directory, 0);
        clients = RedisClients.connect(server.url(), Duration.ofSeconds(5));
        credit = new Credit(clients);
    }

    String url() {
        return server.url();
    }

    /** Without any credit: closed. */
    TenantId newTenant() {
        return new TenantId("tenant-" + tenants.incrementAndGet());
    }

    TenantId tenantWith(long balance) {
        TenantId tenant = newTenant();
        open(tenant, balance, 1);
        return tenant;
    }

    void open(TenantId tenant, long balance, long version) {
        credit.open(tenant, new PostedBalance(balance, version), Duration.ZERO, Instant.EPOCH);
    }

    long available(TenantId tenant) {
        return standing(tenant).available();
    }

    Standing standing(TenantId tenant) {
        return credit.standing(tenant).toCompletableFuture().join();
    }

    boolean settle(TenantId tenant, UUID receipt, long price) {
        return credit.settle(tenant, hold(receipt, 0), price)
                .toCompletableFuture()
                .join();
    }

    boolean release(TenantId tenant, UUID receipt) {
        return credit.release(tenant, hold(receipt, 0)).toCompletableFuture().join();
    }

    /** Redis forgets all that it has of one tenant. */
    void lose(TenantId tenant) {
        clients.commands()
                .del(Stream.of("state", "holds", "expiries", "unposted", "posted", "seconds")
                        .map(key -> "credit:{" + tenant + "}:" + key)
                        .toArray(String[]::new));
    }

    long entries(TenantId tenant, String key) {
        return key.equals("expiries")
                ? clients.commands().zcard("credit:{" + tenant + "}:expiries")
                : clients.commands().hlen("credit:{" + tenant + "}:" + key);
    }

    static Hold hold(UUID receipt, long amount) {
        return new Hold(receipt, OWNER, amount, LONG, "details of " + receipt);
    }

    @Override
    public void close() {
        clients.close();
        server.close();
    }
}
