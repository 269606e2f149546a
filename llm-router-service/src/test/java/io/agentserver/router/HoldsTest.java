package io.agentserver.router;

import io.agentserver.credit.Credit;
import io.agentserver.credit.Hold;
import io.agentserver.credit.Lapsed;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.router.Holds.Taking;
import io.agentserver.service.metrics.TenantCounters;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.LlmLimits;
import io.agentserver.usage.UsageRecord;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RestoreArgs;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Holds that live longer than they were meant to, and their ends, on a real Redis. */
@ExtendWith(TestPlatform.Extension.class)
class HoldsTest {
    private static final TenantId TENANT = TestPlatform.INITECH;
    private static final Duration GRACE = Duration.ofMillis(400);
    private static final Duration LOOKED = Duration.ofSeconds(10);

    private final TestPlatform platform;
    private final RedisClients clients;
    private final Credit credit;
    private final Holds holds;
    private final Route route = new Route(
            "r",
            List.of(new Route.Target(new SimulatedBackend(Clock.systemUTC()), "default")),
            Optional.empty(),
            new Route.Limits(Duration.ofMillis(50), Duration.ofMillis(50), Duration.ofMillis(50)),
            10);

    HoldsTest(TestPlatform platform) {
        this.platform = platform;
        this.clients = RedisClients.connect(platform.redis(), Duration.ofSeconds(5));
        this.credit = new Credit(clients);
        this.holds = holds(credit);
    }

    @BeforeEach
    void begin() {
        platform.loseCredit(TENANT);
        platform.openCredit(TENANT, 1_000);
    }

    @AfterEach
    void disconnect() {
        clients.close();
    }

    @Test
    void lets_no_hold_lapse_whose_call_has_no_end_yet() throws Exception {
        Holds.Running hold = take(UUID.randomUUID());
        await().during(GRACE.multipliedBy(3))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    holds.extendOverdue();
                    return lapsed(Duration.ofMillis(1)).isEmpty();
                });
        hold.settle(60, 10);
        await().until(() -> platform.available(TENANT) == 940);
        assertThat(holds.running()).isZero();
    }

    @Test
    void lets_a_hold_lapse_when_its_router_is_dead() throws Exception {
        take(UUID.randomUUID());
        await().until(() -> !lapsed(Duration.ofMinutes(1)).isEmpty());
    }

    @Test
    void takes_its_own_hold_back_that_lapsed_meanwhile() throws Exception {
        UUID receipt = UUID.randomUUID();
        Holds.Running hold = take(receipt);
        Hold lapsed =
                await().until(() -> lapsed(GRACE), some -> !some.isEmpty()).getFirst();
        assertThat(holds.takeBack(lapsed)).isTrue();
        assertThat(holds.takeBack(Hold.of(UUID.randomUUID(), 1, GRACE, ""))).isFalse();
        hold.settle(60, 10);
        await().until(() -> platform.available(TENANT) == 940);
    }

    @Test
    void changes_nothing_with_an_end_that_comes_when_another_has_taken_the_hold_over() throws Exception {
        Holds.Running slow = take(UUID.randomUUID());
        Hold swept = await().until(() -> lapsed(Duration.ofMinutes(1)), some -> !some.isEmpty())
                .getFirst();
        slow.release();
        await().until(() -> holds.running() == 0 && holds.owed() == 0);
        assertThat(platform.available(TENANT)).as("its record is on its way").isEqualTo(900);
        credit.settle(TENANT, swept, 100).toCompletableFuture().join();
        assertThat(platform.available(TENANT)).isEqualTo(900);
    }

    /** Both the sweep and the call's end are this router's own: it knows that nothing was consumed. */
    @Test
    void gives_back_what_it_has_just_taken_over_itself_when_the_call_ends_before_it_is_told() throws Exception {
        Holds.Running slow = take(UUID.randomUUID());
        Hold swept = await().until(() -> lapsed(Duration.ofMinutes(1)), some -> !some.isEmpty())
                .getFirst();
        slow.release();
        await().until(() -> holds.running() == 0 && holds.owed() == 0);
        assertThat(holds.takeBack(swept)).as("nobody makes a record of it").isTrue();
        await().until(() -> platform.available(TENANT) == 1_000);
    }

    /** Redis answered the release, and the replica that took over had not heard of it. */
    @Test
    void releases_again_what_a_failover_has_brought_back() throws Exception {
        Holds.Running failed = take(UUID.randomUUID());
        Map<String, byte[]> before = dump();
        failed.release();
        await().until(() -> platform.available(TENANT) == 1_000 && holds.owed() == 0);
        restore(before);
        assertThat(platform.available(TENANT)).isEqualTo(900);
        await().untilAsserted(() -> {
            holds.sendAgain();
            assertThat(platform.available(TENANT)).isEqualTo(1_000);
        });
    }

    /** Redis answered the reservation, and the replica that took over had not heard of it. */
    @Test
    void holds_again_what_a_failover_has_lost() throws Exception {
        take(UUID.randomUUID());
        Map<String, byte[]> before = dump();
        Holds.Running running = take(UUID.randomUUID());
        restore(before);
        assertThat(platform.available(TENANT)).isEqualTo(900);
        await().untilAsserted(() -> {
            holds.restoreLost();
            assertThat(platform.available(TENANT)).isEqualTo(800);
        });
        running.settle(60, 10);
        await().until(() -> platform.available(TENANT) == 840);
    }

    @Test
    void sends_a_release_until_redis_has_it_however_long_that_takes() throws Exception {
        AtomicBoolean away = new AtomicBoolean();
        Holds cutOff = holds(new Credit(thatMayBe(away)));
        Holds.Running failed = take(cutOff, UUID.randomUUID());
        away.set(true);
        failed.release();
        Duration life = route.limits().total().plus(GRACE);
        await().during(life.multipliedBy(2)).until(() -> {
            cutOff.sendAgain();
            return cutOff.owed() == 1;
        });
        away.set(false);
        await().untilAsserted(() -> {
            cutOff.sendAgain();
            assertThat(platform.available(TENANT)).isEqualTo(1_000);
        });
    }

    @Test
    void does_not_remember_for_ever_what_redis_was_asked_in_vain() throws Exception {
        AtomicBoolean away = new AtomicBoolean(true);
        Holds cutOff = holds(new Credit(thatMayBe(away)));
        assertThat(taking(cutOff, UUID.randomUUID())).isInstanceOf(Taking.Refused.class);
        assertThat(cutOff.remembered()).isEqualTo(1);
        await().until(() -> {
            cutOff.sendAgain();
            return cutOff.remembered() == 0;
        });
    }

    /** Another router, which reaches Redis, finds the hold lapsed and cannot know better. */
    @Test
    void tells_the_log_that_a_call_has_cost_nothing_when_redis_cannot_be_told() throws Exception {
        Duration grace = Duration.ofSeconds(4);
        AtomicBoolean away = new AtomicBoolean();
        Holds cutOff = new Holds(new Credit(thatMayBe(away)), _ -> LlmLimits.NONE, metrics(), grace, _ -> false);
        Holds others = new Holds(credit, _ -> LlmLimits.NONE, metrics(), grace, _ -> false);
        UUID receipt = UUID.randomUUID();
        Holds.Running failed = take(cutOff, receipt);
        try (KafkaUsageLog log = new KafkaUsageLog(Brokers.plain(platform.kafka()), Duration.ofSeconds(2));
                LapsedHolds itsOwn = lookingAfter(cutOff, new Credit(thatMayBe(away)), log);
                LapsedHolds anothers = lookingAfter(others, credit, log)) {
            away.set(true);
            failed.release();
            await().until(() -> platform.allUsageOf(receipt).size() >= 2);
        }
        assertThat(platform.allUsageOf(receipt).stream().map(UsageRecord::priceMicrousd))
                .as("the first one counts")
                .containsExactly(0L, 100L);
    }

    private static LapsedHolds lookingAfter(Holds holds, Credit credit, KafkaUsageLog log) {
        return new LapsedHolds(holds, credit, log, () -> List.of(TENANT), metrics(), Duration.ofMillis(1)).start();
    }

    /** The same Redis, out of this router's reach for a time. */
    @SuppressWarnings("unchecked")
    private RedisClients thatMayBe(AtomicBoolean away) {
        RedisClusterAsyncCommands<String, String> reached = clients.async();
        Object cut = Proxy.newProxyInstance(
                HoldsTest.class.getClassLoader(),
                new Class<?>[] {RedisClusterAsyncCommands.class},
                (_, method, args) -> {
                    if (away.get() && method.getName().startsWith("eval")) {
                        throw new RedisConnectionException("out of reach");
                    }
                    return method.invoke(reached, args);
                });
        return new RedisClients(() -> {}, clients.commands(), (RedisClusterAsyncCommands<String, String>) cut);
    }

    @Test
    void forgets_a_release_that_was_not_lost() throws Exception {
        take(UUID.randomUUID()).release();
        await().untilAsserted(() -> {
            holds.sendAgain();
            assertThat(holds.remembered()).isZero();
        });
        assertThat(platform.available(TENANT)).isEqualTo(1_000);
    }

    @Test
    void gives_back_what_was_held_though_redis_did_not_answer_in_time_and_leaves_the_next_call_its_hold()
            throws Exception {
        Holds.Running first = take(UUID.randomUUID());
        clients.commands().clientPause(3_500); // longer than an answer is waited for
        assertThat(holds.take(call(UUID.randomUUID()), route, atMost(UUID.randomUUID())))
                .isInstanceOf(Taking.Refused.class);
        await().ignoreExceptions().until(() -> clients.commands().ping().equals("PONG"));
        take(UUID.randomUUID());
        await().untilAsserted(() -> {
            holds.sendAgain();
            assertThat(holds.owed()).isZero();
            assertThat(platform.available(TENANT)).isEqualTo(800);
        });
        first.release();
        await().until(() -> platform.available(TENANT) == 900);
        assertThat(holds.running()).isEqualTo(1);
    }

    @Test
    void sweeps_nothing_while_its_usage_cannot_be_recorded() throws Exception {
        take(UUID.randomUUID());
        Holds others = holds(credit);
        RouterMetrics metrics = metrics();
        try (KafkaUsageLog cutOff = new KafkaUsageLog(Brokers.plain("127.0.0.1:1"), Duration.ofMillis(50))) {
            cutOff.append(atMost(UUID.randomUUID()));
            assertThat(cutOff.isOpen()).isFalse();
            await().until(() -> clients.commands()
                            .zcount(
                                    "credit:{" + TENANT + "}:expiries",
                                    io.lettuce.core.Range.create(0, System.currentTimeMillis() - 5))
                    == 1);
            new LapsedHolds(others, credit, cutOff, () -> List.of(TENANT), metrics, Duration.ofHours(1)).sweep();
            assertThat(cutOff.waiting()).isEqualTo(1);
            assertThat(lapsed(GRACE)).as("left for others").hasSize(1);
        }
    }

    @Test
    void sweeps_all_that_a_dead_router_has_held_at_once() throws Exception {
        platform.loseCredit(TENANT);
        platform.openCredit(TENANT, 1_000_000);
        int many = 1_001;
        for (int i = 0; i < many; i++) {
            UUID receipt = UUID.randomUUID();
            String details = new String(atMost(receipt).toJson(), StandardCharsets.UTF_8);
            credit.reserve(TENANT, Hold.of(receipt, 100, Duration.ofMillis(1), details));
        }
        try (KafkaUsageLog log = new KafkaUsageLog(Brokers.plain(platform.kafka()), Duration.ofSeconds(2))) {
            new LapsedHolds(holds, credit, log, () -> List.of(TENANT), metrics(), Duration.ofHours(1)).sweep();
            await().until(() -> platform.running(TENANT) == 0);
            assertThat(platform.available(TENANT)).isEqualTo(1_000_000 - 100 * many);
        }
    }

    /** Whatever the grace is: the sweep knows how long ago it looked itself. */
    @Test
    void leaves_a_call_alone_that_is_over_time_only_by_a_clock_of_redis_that_has_jumped() throws Exception {
        Holds living = new Holds(credit, _ -> LlmLimits.NONE, metrics(), Duration.ofSeconds(15), _ -> false);
        Holds.Running running = take(living, UUID.randomUUID());
        try (KafkaUsageLog log = new KafkaUsageLog(Brokers.plain(platform.kafka()), Duration.ofSeconds(2))) {
            LapsedHolds anothers =
                    new LapsedHolds(holds, credit, log, () -> List.of(TENANT), metrics(), Duration.ofSeconds(10));
            anothers.sweep();
            jump(Duration.ofSeconds(30));
            anothers.sweep();
        }
        running.settle(60, 10);
        await().until(() -> platform.available(TENANT) == 940);
    }

    private List<Hold> lapsed(Duration again) {
        return credit.lapsed(TENANT, 10, again, LOOKED, Lapsed.NOTHING).holds();
    }

    /** All that is written down is so much longer ago, and what the routers were told of the clock is by as much not found yet. */
    private void jump(Duration forwards) {
        clients.commands().hincrby("credit:{" + TENANT + "}:state", "jumps", -forwards.toMillis());
        long swept = Long.parseLong(clients.commands().hget("credit:{" + TENANT + "}:state", "swept"));
        clients.commands().hset("credit:{" + TENANT + "}:state", "swept", Long.toString(swept - forwards.toMillis()));
        String expiries = "credit:{" + TENANT + "}:expiries";
        clients.commands()
                .zrange(expiries, 0, -1)
                .forEach(receipt -> clients.commands().zincrby(expiries, (double) -forwards.toMillis(), receipt));
    }

    /** The sweep of thousands of holds takes minutes, and credit opens 3 s after a loss. */
    @Test
    void puts_its_own_holds_back_while_it_sweeps() throws Exception {
        CountDownLatch sweeping = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        Supplier<Collection<TenantId>> slow = () -> {
            sweeping.countDown();
            try {
                over.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return List.of();
        };
        Holds living = new Holds(credit, _ -> LlmLimits.NONE, metrics(), Duration.ofMinutes(1), _ -> false);
        try (KafkaUsageLog log = new KafkaUsageLog(Brokers.plain(platform.kafka()), Duration.ofSeconds(2));
                LapsedHolds looksAfter =
                        new LapsedHolds(living, credit, log, slow, metrics(), Duration.ofMillis(1)).start()) {
            try {
                sweeping.await();
                take(living, UUID.randomUUID());
                platform.loseCredit(TENANT);
                await().atMost(Duration.ofSeconds(3)).until(() -> platform.running(TENANT) == 1);
            } finally {
                over.countDown();
            }
        }
    }

    /** A client whose router cannot reach Redis is still told that its answer is whole. */
    @Test
    void waits_for_an_end_until_redis_has_it_but_no_longer_than_a_moment() throws Exception {
        int port = URI.create(platform.redis()).getPort();
        try (SlowLink link = new SlowLink(port, Duration.ofMillis(15));
                RedisClients far = RedisClients.connect("redis://127.0.0.1:" + link.port(), Duration.ofSeconds(5))) {
            Holds.Running first = take(holds(new Credit(far)), UUID.randomUUID());
            first.settle(60, 10);
            first.awaitEnd();
            assertThat(platform.running(TENANT)).isZero();
            assertThat(platform.available(TENANT)).isEqualTo(940);
        }

        Holds.Running second = take(UUID.randomUUID());
        clients.commands().clientPause(3_500);
        Stopwatch waited = new Stopwatch();
        second.settle(60, 10);
        second.awaitEnd();
        assertThat(waited.elapsed()).isLessThan(Duration.ofMillis(1_900));
        await().ignoreExceptions().until(() -> clients.commands().ping().equals("PONG"));
        await().untilAsserted(() -> {
            holds.sendAgain();
            assertThat(holds.owed()).isZero();
            assertThat(platform.available(TENANT)).isEqualTo(880);
        });
    }

    private static Holds holds(Credit credit) {
        return new Holds(credit, _ -> LlmLimits.NONE, metrics(), GRACE, _ -> false);
    }

    private static RouterMetrics metrics() {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        return new RouterMetrics(meters, new TenantCounters(meters, 10), (provider, model) -> true);
    }

    private static List<String> keys() {
        return Stream.of("state", "holds", "expiries")
                .map(key -> "credit:{" + TENANT + "}:" + key)
                .toList();
    }

    private Map<String, byte[]> dump() {
        return keys().stream()
                .collect(Collectors.toMap(key -> key, key -> clients.commands().dump(key)));
    }

    private void restore(Map<String, byte[]> dumps) {
        dumps.forEach((key, dump) ->
                clients.commands().restore(key, dump, RestoreArgs.Builder.ttl(0).replace()));
    }

    private Holds.Running take(UUID receipt) throws InterruptedException {
        return take(holds, receipt);
    }

    private Holds.Running take(Holds by, UUID receipt) throws InterruptedException {
        return ((Taking.Taken) taking(by, receipt)).hold();
    }

    private Taking taking(Holds by, UUID receipt) throws InterruptedException {
        return by.take(call(receipt), route, atMost(receipt));
    }

    private static Call call(UUID receipt) {
        ChatRequest request = ((ChatRequest.Reading.Read)
                        ChatRequest.read(RunningRouter.asking("r").getBytes(StandardCharsets.UTF_8)))
                .request();
        return new Call(TENANT, request, Attribution.ofHeaders(_ -> null, true), Optional.empty(), receipt, Map.of());
    }

    private static UsageRecord atMost(UUID receipt) {
        return new UsageRecord(
                receipt,
                TENANT.value(),
                null,
                null,
                null,
                null,
                "r",
                "simulated",
                "default",
                10,
                0,
                45,
                true,
                false,
                false,
                100,
                100,
                Instant.parse("2026-01-31T08:00:00Z"));
    }
}
