package io.agentserver.gateway.limits;

import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.RateLimit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

/** Gateways that share one limit through a real Redis. */
class AllowanceTest {
    private static final int GATEWAYS = 3;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private static Path directory;

    @SuppressWarnings("NullAway.Init")
    private static LocalRedis redis;

    @SuppressWarnings("NullAway.Init")
    private static RedisClients clients;

    private final String key = "rate:{acme}:" + UUID.randomUUID();
    private final AtomicLong nanos = new AtomicLong();

    @BeforeAll
    static void start() {
        redis = LocalRedis.start(directory, 0);
        clients = RedisClients.connect(redis.url(), Duration.ofSeconds(10));
    }

    @AfterAll
    static void stop() {
        clients.close();
        redis.close();
    }

    private Allowance gateway(RateLimit limit) {
        return new Allowance(key, limit, new RedisBuckets(clients), nanos::get);
    }

    @Test
    void many_gateways_let_in_what_one_would_have_let_in() throws Exception {
        RateLimit limit = new RateLimit(100, 300);
        long begun = System.nanoTime();
        AtomicLong taken = new AtomicLong();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < GATEWAYS; i++) {
                Allowance gateway = new Allowance(key, limit, new RedisBuckets(clients), System::nanoTime);
                for (int j = 0; j < 400; j++) {
                    all.add(threads.submit(() -> {
                        if (gateway.take(1).isZero()) {
                            taken.incrementAndGet();
                        }
                    }));
                }
            }
            for (Future<?> each : all) {
                each.get(30, TimeUnit.SECONDS);
            }
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        // each gateway may end with a lease of 5 that it has not used
        assertThat(taken.get()).isBetween(300L - GATEWAYS * 5, 300 + (long) Math.ceil(100 * seconds));
    }

    @Test
    void who_is_refused_hears_when_to_come_again_and_nobody_is_asked_before() {
        RateLimit limit = new RateLimit(2, 2);
        Allowance gateway = gateway(limit);
        assertThat(gateway.take(1)).isZero();
        assertThat(gateway.take(1)).isZero();
        Duration wait = gateway.take(1);
        assertThat(wait).isBetween(Duration.ofMillis(1), Duration.ofMillis(500));
        clients.commands().del(key); // as if others had used less
        assertThat(gateway.take(1)).isEqualTo(wait);
        nanos.addAndGet(wait.toNanos());
        assertThat(gateway.take(1)).isZero();
    }

    @Test
    void a_limit_that_was_changed_owes_nothing_of_the_old_one() {
        assertThat(gateway(new RateLimit(10, 6_000)).take(6_000)).isZero();
        assertThat(gateway(new RateLimit(100, 200)).take(1)).isBetween(Duration.ofMillis(1), Duration.ofMillis(10));
    }

    @Test
    void a_clock_that_was_set_back_holds_nobody_up_for_longer_than_an_empty_bucket() {
        clients.commands().set(key, String.valueOf((System.currentTimeMillis() + 600_000) * 1_000));
        assertThat(gateway(new RateLimit(10, 20)).take(1)).isLessThanOrEqualTo(Duration.ofMillis(100));
    }

    @Test
    void several_at_once_are_all_let_in_or_none() {
        Allowance gateway = gateway(new RateLimit(10, 20));
        assertThat(gateway.take(15)).isZero();
        assertThat(gateway.take(15)).isGreaterThan(Duration.ZERO);
        assertThat(gateway.take(5)).isZero();
    }

    @Test
    void a_lease_is_used_before_redis_is_asked_again_and_lost_after_a_second() {
        Allowance gateway = gateway(new RateLimit(1_000, 2_000));
        assertThat(gateway.take(1)).isZero();
        String full = clients.commands().get(key);
        for (int i = 1; i < 50; i++) {
            assertThat(gateway.take(1)).isZero();
        }
        assertThat(clients.commands().get(key)).isEqualTo(full);
        assertThat(gateway.left()).isEqualTo(1_950);
        assertThat(gateway.take(1)).isZero();
        assertThat(clients.commands().get(key)).isNotEqualTo(full);
        full = clients.commands().get(key);
        nanos.addAndGet(Duration.ofMillis(1_001).toNanos());
        assertThat(gateway.take(1)).isZero();
        assertThat(clients.commands().get(key)).isNotEqualTo(full);
    }

    @Test
    void without_redis_each_gateway_holds_the_limit_by_itself(@TempDir Path elsewhere) {
        LocalRedis other = LocalRedis.start(elsewhere, 0);
        try (RedisClients lost = RedisClients.connect(other.url(), Duration.ofSeconds(10))) {
            other.close();
            Allowance gateway = new Allowance(key, new RateLimit(10, 20), new RedisBuckets(lost), nanos::get);
            assertThat(gateway.take(20)).isZero();
            assertThat(gateway.take(1)).isEqualTo(Duration.ofMillis(100));
            nanos.addAndGet(Duration.ofMillis(100).toNanos());
            assertThat(gateway.take(1)).isZero();
            assertThat(gateway.take(1)).isGreaterThan(Duration.ZERO);
        }
    }
}
