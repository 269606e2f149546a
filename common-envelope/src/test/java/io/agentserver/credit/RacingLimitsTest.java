package io.agentserver.credit;

import io.agentserver.credit.Reservation.Limit;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.LlmLimits;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Four routers' worth of threads race for one tenant's limits, which are not enough for all of their calls. Every choice comes from
 * a printed seed; the interleaving is the machine's.
 */
@ExtendWith(CreditRedis.Extension.class)
class RacingLimitsTest {
    private static final int ROUTERS = 4;
    private static final int CALLS = 1_000;
    private static final int AT_ONCE = 40;
    private static final int MOST = 50;
    private static final LlmLimits LIMITS = new LlmLimits(600, 7_000, AT_ONCE, false);

    private final CreditRedis redis;
    private final long seed = Long.getLong("credit.seed", System.nanoTime());
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger mostRunning = new AtomicInteger();
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicLong tokens = new AtomicLong();
    private final AtomicInteger refused = new AtomicInteger();

    RacingLimitsTest(CreditRedis redis) {
        this.redis = redis;
    }

    @RepeatedTest(2)
    void never_run_or_use_more_than_the_limits_of_all_together() throws Exception {
        System.out.println("seed: -Dcredit.seed=" + seed);
        Random random = new Random(seed);
        TenantId tenant = redis.tenantWith(1_000_000);
        Instant begin = redis.credit.now(tenant);
        List<RedisClients> routers = new ArrayList<>();
        for (int i = 0; i < ROUTERS; i++) {
            routers.add(RedisClients.connect(redis.url(), Duration.ofSeconds(5)));
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> calls = new ArrayList<>();
            for (int i = 0; i < CALLS; i++) {
                Credit credit = new Credit(routers.get(i % ROUTERS));
                Random choices = new Random(random.nextLong());
                calls.add(threads.submit(() -> call(credit, tenant, choices)));
            }
            for (Future<?> call : calls) {
                call.get();
            }
        } finally {
            routers.forEach(RedisClients::close);
        }
        long minutes = 1 + Duration.between(begin, redis.credit.now(tenant)).toMinutes();
        assertThat(mostRunning.get()).as("calls at once").isBetween(1, AT_ONCE);
        assertThat(requests.get()).as("requests").isBetween(1, (int) minutes * LIMITS.requests());
        assertThat(tokens.get()).as("tokens").isBetween(1L, minutes * LIMITS.tokens());
        assertThat(refused.get()).as("calls that were refused").isPositive();
        assertThat(redis.entries(tenant, "holds")).isZero();
    }

    private void call(Credit credit, TenantId tenant, Random random) {
        Hold hold = Hold.of(new UUID(random.nextLong(), random.nextLong()), 1, CreditRedis.LONG, "a call");
        long most = 1L + random.nextInt(MOST);
        Reservation reservation = credit.reserve(tenant, hold, most, LIMITS);
        while (reservation instanceof Reservation.Limited limited && limited.limit() == Limit.CONCURRENCY) {
            Thread.onSpinWait(); // others run, and end
            reservation = credit.reserve(tenant, hold, most, LIMITS);
        }
        if (!(reservation instanceof Reservation.Held held)) {
            refused.incrementAndGet();
            return;
        }
        int now = running.incrementAndGet();
        mostRunning.accumulateAndGet(now, Math::max);
        Spent spent = random.nextInt(5) == 0 ? Spent.NOTHING : new Spent(1, 1, random.nextLong(most + 1));
        requests.addAndGet(spent.requests());
        tokens.addAndGet(spent.tokens());
        Thread.onSpinWait();
        running.decrementAndGet();
        credit.settle(tenant, hold, held.counted(), spent, held.epoch())
                .toCompletableFuture()
                .join();
    }
}
