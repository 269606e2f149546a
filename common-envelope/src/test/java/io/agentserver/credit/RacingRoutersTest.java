package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.redis.RedisClients;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Four routers' worth of threads race for one tenant's credit, which is not enough for all of their calls: some end well,
 * some are aborted, some die with what they hold, some come back when they were given up. A ledger posts what they leave on
 * a log, in batches, some of it twice. Every choice comes from a printed seed; the interleaving is the machine's.
 */
@ExtendWith(CreditRedis.Extension.class)
class RacingRoutersTest {
    private static final int ROUTERS = 4;
    private static final int CALLS = 1_000;
    private static final int MOST = 50;
    private static final int OVERLAPPING = 200;
    private static final long CREDIT = CALLS * MOST / 16; // for an eighth of them
    private static final Duration SHORT = Duration.ofMillis(300);

    private final CreditRedis redis;
    private final long seed = Long.getLong("credit.seed", System.nanoTime());
    private final Log log = new Log();
    private final Begun begun = new Begun();
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicInteger exhausted = new AtomicInteger();

    RacingRoutersTest(CreditRedis redis) {
        this.redis = redis;
    }

    private record Usage(UUID receipt, long price) {}

    /** Counts calls that hold credit or were refused it; one that runs waits until so many others have come so far. */
    private static final class Begun {
        private int calls;

        synchronized int count() {
            notifyAll();
            return ++calls;
        }

        synchronized void await(int others) throws InterruptedException {
            while (calls < Math.min(CALLS, others)) {
                wait();
            }
        }

        synchronized boolean all() {
            return calls == CALLS;
        }
    }

    /** What was acknowledged, and how far the ledger has read. */
    private static final class Log {
        private final List<Usage> records = new ArrayList<>();

        synchronized void append(Usage usage) {
            records.add(usage);
        }

        synchronized int end() {
            return records.size();
        }

        synchronized List<Usage> read(int from, int most) {
            return List.copyOf(records.subList(from, Math.min(records.size(), from + most)));
        }
    }

    private record Live(Hold hold, String epoch) {}

    /** What a router does with its calls, and with its holds when Redis has lost them. */
    private final class Router implements AutoCloseable {
        private final TenantId tenant;
        private final RedisClients clients = RedisClients.connect(redis.url(), Duration.ofSeconds(5));
        private final Credit credit = new Credit(clients);
        private final Map<UUID, Live> live = new ConcurrentHashMap<>();

        Router(TenantId tenant) {
            this.tenant = tenant;
        }

        void call(Random random) throws InterruptedException {
            UUID receipt = new UUID(random.nextLong(), random.nextLong());
            int fate = random.nextInt(10);
            boolean dies = fate >= 8;
            Hold hold = Hold.of(receipt, 1 + random.nextInt(MOST), dies ? SHORT : CreditRedis.LONG, "a call");
            long price = random.nextBoolean() ? hold.amount() : random.nextLong(hold.amount() + 1);
            Reservation reservation = credit.reserve(tenant, hold);
            while (reservation instanceof Reservation.Closed) {
                Thread.sleep(Duration.ofMillis(5)); // as a router does, in larger steps
                reservation = credit.reserve(tenant, hold);
            }
            if (reservation instanceof Reservation.Held held) {
                live.put(receipt, new Live(hold, held.epoch()));
            }
            int number = begun.count();
            if (reservation instanceof Reservation.Exhausted) {
                exhausted.incrementAndGet();
                return;
            }
            taken.incrementAndGet();
            begun.await(number + random.nextInt(OVERLAPPING));
            switch (fate) {
                case 0, 1, 2, 3, 4 -> {
                    log.append(new Usage(receipt, price));
                    end(hold, price);
                }
                case 5 -> {
                    log.append(new Usage(receipt, price));
                    end(hold, price);
                    credit.settle(tenant, hold, price).toCompletableFuture().join(); // its answer was lost
                }
                case 6, 7 -> end(hold, 0);
                case 8 -> live.remove(receipt); // dead, with all that it knows
                default -> {
                    // too slow: it is given up, and comes with its own record all the same
                    await().atMost(Duration.ofSeconds(30)).until(() -> !held(receipt));
                    log.append(new Usage(receipt, price));
                    end(hold, price);
                }
            }
        }

        private boolean held(UUID receipt) {
            return clients.commands().hexists("credit:{" + tenant + "}:holds", receipt.toString());
        }

        private void end(Hold hold, long price) {
            live.remove(hold.receipt());
            credit.settle(tenant, hold, price).toCompletableFuture().join();
        }

        void restoreLost() {
            String epoch = redis.standing(tenant).epoch().orElse("");
            for (Live each : List.copyOf(live.values())) {
                if (!each.epoch().equals(epoch)) {
                    credit.restore(tenant, List.of(each.hold()));
                    UUID receipt = each.hold().receipt();
                    if (live.replace(receipt, new Live(each.hold(), epoch)) == null) {
                        live.remove(receipt);
                        credit.release(tenant, each.hold())
                                .toCompletableFuture()
                                .join();
                    }
                }
            }
        }

        void sweep() {
            for (Hold lapsed : credit.lapsed(tenant, 10, SHORT, Duration.ofSeconds(10), Lapsed.NOTHING)
                    .holds()) {
                log.append(new Usage(lapsed.receipt(), lapsed.amount()));
                credit.settle(tenant, lapsed, lapsed.amount())
                        .toCompletableFuture()
                        .join();
            }
        }

        @Override
        public void close() {
            clients.close();
        }
    }

    /** Posts the first record of each receipt, and writes the balance to Redis, sometimes twice and late. */
    private final class Ledger {
        private final TenantId tenant;
        private final Random random;
        private final Set<UUID> posted = new HashSet<>();
        private final ConcurrentLinkedQueue<Runnable> late = new ConcurrentLinkedQueue<>();
        private volatile int committed;
        private volatile boolean hurry;
        private long balance = CREDIT;
        private long version = 1;

        Ledger(TenantId tenant, Random random) {
            this.tenant = tenant;
            this.random = random;
        }

        /** In no hurry while calls begin, so that much is spent and not posted; in one once Redis was emptied, as billing is. */
        synchronized void post() {
            if (!begun.all() && !hurry && log.end() - committed < OVERLAPPING) {
                return;
            }
            List<Usage> batch = log.read(committed, 1 + random.nextInt(40));
            Set<UUID> receipts = new LinkedHashSet<>();
            boolean changed = false;
            for (Usage usage : batch) {
                receipts.add(usage.receipt());
                if (posted.add(usage.receipt())) {
                    balance -= usage.price();
                    changed = true;
                }
            }
            version += changed ? 1 : 0;
            PostedBalance now = new PostedBalance(balance, version);
            redis.credit.posted(tenant, now, receipts);
            if (random.nextInt(4) == 0) {
                late.add(() -> redis.credit.posted(tenant, now, receipts));
            }
            if (random.nextInt(4) == 0 && !late.isEmpty()) {
                late.remove().run();
            }
            committed += batch.size();
        }

        /** As billing does it: what is settled before now is drained, then credit opens. */
        void reopen() {
            Instant now = redis.credit.now(tenant);
            int end = log.end();
            hurry = true;
            await().atMost(Duration.ofSeconds(30)).until(() -> committed >= end);
            PostedBalance balance;
            synchronized (this) {
                balance = new PostedBalance(this.balance, version);
            }
            redis.credit.open(tenant, balance, Duration.ofSeconds(1), now);
        }

        synchronized PostedBalance balance() {
            return new PostedBalance(balance, version);
        }
    }

    @RepeatedTest(3)
    void never_spend_more_than_there_is_and_leave_nothing_held() throws Exception {
        race(false);
    }

    @RepeatedTest(2)
    void spend_nothing_twice_when_redis_is_emptied_in_the_middle() throws Exception {
        race(true);
    }

    private void race(boolean emptied) throws Exception {
        System.out.println("seed: -Dcredit.seed=" + seed);
        Random random = new Random(seed);
        TenantId tenant = redis.tenantWith(CREDIT);
        Ledger ledger = new Ledger(tenant, new Random(random.nextLong()));
        List<Router> routers = new ArrayList<>();
        for (int i = 0; i < ROUTERS; i++) {
            routers.add(new Router(tenant));
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                Repeating posting = new Repeating(ledger::post);
                Repeating sweeping = new Repeating(() -> routers.forEach(Router::sweep));
                Repeating restoring = new Repeating(() -> routers.forEach(Router::restoreLost))) {
            List<Future<?>> calls = new ArrayList<>();
            for (int i = 0; i < CALLS; i++) {
                Router router = routers.get(i % ROUTERS);
                Random choices = new Random(random.nextLong());
                if (emptied && i == OVERLAPPING) {
                    begun.await(i); // those that are running hold credit
                    redis.lose(tenant);
                    calls.add(threads.submit(ledger::reopen));
                }
                calls.add(threads.submit(() -> {
                    router.call(choices);
                    return null;
                }));
            }
            for (Future<?> call : calls) {
                call.get();
            }
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(unrest(tenant, ledger)).isEmpty());
            posting.check();
            sweeping.check();
            restoring.check();
        } finally {
            routers.forEach(Router::close);
        }
        assertThat(taken.get()).as("calls that ran").isPositive();
        assertThat(exhausted.get()).as("calls that were refused").isPositive();
        assertThat(ledger.balance().amount()).as("what is left").isNotNegative();
        assertThat(redis.available(tenant)).isEqualTo(ledger.balance().amount());
        assertThat(redis.clients.commands().hget("credit:{" + tenant + "}:state", "held"))
                .isEqualTo("0");
    }

    /** What is not over yet. */
    private Map<String, Object> unrest(TenantId tenant, Ledger ledger) {
        Map<String, Object> unrest = new TreeMap<>();
        for (String key : List.of("holds", "expiries", "unposted")) {
            if (redis.entries(tenant, key) > 0) {
                unrest.put(key, redis.entries(tenant, key));
            }
        }
        if (ledger.committed < log.end()
                || redis.standing(tenant).version() != ledger.balance().version()) {
            unrest.put("ledger", ledger.committed + " of " + log.end() + ", " + ledger.balance());
        }
        return unrest;
    }

    /** One step again and again on a thread of its own. */
    private static final class Repeating implements AutoCloseable {
        private final Thread thread;
        private volatile boolean closed;
        private volatile @Nullable RuntimeException failure;

        Repeating(Runnable step) {
            thread = Thread.ofPlatform().start(() -> {
                try {
                    while (!closed) {
                        step.run();
                        Thread.onSpinWait();
                    }
                } catch (RuntimeException e) {
                    failure = e;
                }
            });
        }

        void check() {
            RuntimeException failed = failure;
            if (failed != null) {
                throw failed;
            }
        }

        @Override
        public void close() throws InterruptedException {
            closed = true;
            thread.join();
        }
    }
}
