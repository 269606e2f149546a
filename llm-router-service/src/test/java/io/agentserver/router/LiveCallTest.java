package io.agentserver.router;

import io.agentserver.credit.Credit;
import io.agentserver.log.Brokers;
import io.agentserver.router.Holds.Taking;
import io.agentserver.router.Upstream.Signal;
import io.agentserver.service.metrics.TenantCounters;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.LlmLimits;
import io.agentserver.usage.UsageRecord;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;

/** An answer that its client leaves, with a real log and a real Redis behind it. */
@ExtendWith(TestPlatform.Extension.class)
class LiveCallTest {
    private static final int AHEAD = 65; // the first, which the call has, and as many as its upstream keeps
    private static final int WORDS = 200;
    private static final Duration LONG = Duration.ofMinutes(1); // longer than the slowest machine needs

    private final TestPlatform platform;
    private final RedisClients clients;
    private final KafkaUsageLog log;
    private final UUID receipt = UUID.randomUUID();

    LiveCallTest(TestPlatform platform) {
        this.platform = platform;
        this.clients = RedisClients.connect(platform.redis(), Duration.ofSeconds(5));
        this.log = new KafkaUsageLog(Brokers.plain(platform.kafka()), Duration.ofSeconds(2));
    }

    @AfterEach
    void disconnect() {
        log.close();
        clients.close();
    }

    @Test
    void bills_all_that_was_read_ahead_though_its_client_took_nothing_and_cancels_the_rest() throws Exception {
        Talkative backend = Talkative.thatThinksForEver();
        LiveCall call = open(backend, new LiveCall.Patience(LONG, LONG, Duration.ofMillis(10)));
        assertThat(backend.readAhead.await(30, TimeUnit.SECONDS)).isTrue();
        call.close();
        assertThat(backend.closed.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(billed()).isBetween((long) AHEAD, 2L * WORDS);
    }

    @Test
    void bills_what_the_provider_has_sent_and_nobody_had_read_yet() throws Exception {
        open(Talkative.thatBreaksOff(), new LiveCall.Patience(LONG, LONG, LONG)).close();
        assertThat(billed()).isBetween((long) WORDS, 2L * WORDS);
    }

    private long billed() {
        UsageRecord usage = platform.usageOf(receipt);
        assertThat(usage.estimated()).isTrue();
        return usage.outputTokens();
    }

    private LiveCall open(Backend backend, LiveCall.Patience patience) throws InterruptedException {
        platform.loseCredit(TestPlatform.INITECH);
        platform.openCredit(TestPlatform.INITECH, 1_000_000);
        Route.Target target = new Route.Target(backend, "m");
        Route route = new Route(
                "r",
                List.of(target),
                Optional.empty(),
                Route.Limits.DEFAULT,
                4096,
                List.of(),
                PriceList.builtIn().with(backend.provider(), Price.FREE),
                Route.Caching.NONE);
        ChatRequest request = ((ChatRequest.Reading.Read)
                        ChatRequest.read(RunningRouter.streaming("r").getBytes(StandardCharsets.UTF_8)))
                .request();
        Call call = new Call(
                TestPlatform.INITECH,
                request,
                Attribution.ofHeaders(_ -> null, true),
                Optional.empty(),
                receipt,
                Map.of());
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        RouterMetrics metrics = new RouterMetrics(meters, new TenantCounters(meters, 10), (provider, model) -> true);
        Settlement settlement = new Settlement(log, new TokenCounter(), metrics, Clock.systemUTC());
        Holds holds = new Holds(new Credit(clients), _ -> LlmLimits.NONE, metrics, Duration.ofSeconds(60), _ -> false);
        Holds.Running hold = ((Taking.Taken) holds.take(call, route, settlement.atMost(call, route))).hold();
        Guard.Pass pass = ((Guard.Entry.Free) new Guard(Guard.Limits.DEFAULT).enter("m")).pass();
        Upstream upstream = Upstream.start(backend, new Backend.Request(request, "m", 4096, receipt, Map.of()), pass);
        Signal.Part first = (Signal.Part) Objects.requireNonNull(upstream.poll(LONG));
        return new LiveCall(
                new Answer.Head(receipt, "pool", "pool/m", 1, false),
                route,
                upstream,
                List.of(first.chunk()),
                new Stopwatch(),
                Duration.ZERO,
                request.answers(),
                settlement.open(
                        call,
                        route,
                        target,
                        1,
                        hold,
                        ModelSpan.none(
                                Map.of(),
                                new GenAiMetrics(meters, (provider, model) -> true)
                                        .begin(ChatRequest.Kind.CHAT, "pool", "m"))),
                patience);
    }

    /** Says many words at once, and then thinks for ever or breaks off. */
    private static final class Talkative implements Backend {
        private final CountDownLatch readAhead =
                new CountDownLatch(AHEAD + 1); // asked for one more, it has taken these
        private final CountDownLatch closed = new CountDownLatch(1);
        private final boolean breaksOff;

        private Talkative(boolean breaksOff) {
            this.breaksOff = breaksOff;
        }

        static Talkative thatThinksForEver() {
            return new Talkative(false);
        }

        static Talkative thatBreaksOff() {
            return new Talkative(true);
        }

        @Override
        public String provider() {
            return "pool";
        }

        @Override
        public Opening open(Request request) {
            return new Opening.Opened(new Chunks() {
                private int said;

                @Override
                public ObjectNode next() throws IOException {
                    readAhead.countDown();
                    if (said++ < WORDS) {
                        return (ObjectNode)
                                Json.read(ProviderDouble.chunk(" one").substring("data: ".length()));
                    }
                    if (breaksOff) {
                        throw new IOException("broken off");
                    }
                    try {
                        new CountDownLatch(1).await();
                        throw new IllegalStateException("nobody counts it down");
                    } catch (InterruptedException interrupted) {
                        throw new IOException("cancelled", interrupted);
                    }
                }

                @Override
                public void close() {
                    closed.countDown();
                }
            });
        }
    }
}
