package io.agentserver.loadtests;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.dynamo.DynamoConnection;
import io.agentserver.billing.ledger.dynamo.DynamoLedgerStore;
import io.agentserver.billing.ledger.dynamo.LedgerTable;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStores;
import io.agentserver.usage.UsageRecord;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/**
 * How many LLM calls the ledger posts a second: some tenants, each posted for by one thread, as the consumer does it, in
 * batches, in a DynamoDB Local of its own. It prints one row of {@code docs/performance.md}.
 */
final class PostingsBench {
    private final Settings settings;

    /** @param batch calls that are posted at once; 25 are the most in one transaction */
    record Settings(int tenants, int batch, Duration time, Duration warmUp) {
        static Settings of(Options options) {
            options.only("tenants", "batch", "seconds", "warm-up");
            return new Settings(
                    options.number("tenants", 8),
                    options.number("batch", 25),
                    Duration.ofSeconds(options.number("seconds", 20)),
                    Duration.ofSeconds(options.number("warm-up", 10)));
        }
    }

    PostingsBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws InterruptedException, ExecutionException {
        System.setProperty("logback.configurationFile", "io/agentserver/billing/command-logback.xml");
        try (LocalStores stores = LocalStores.inTemporaryDirectory(Map.of(LocalStore.DYNAMODB, 0));
                var dynamo = DynamoConnection.to(stores.dynamoEndpoint().toString())) {
            LedgerTable.createIfAbsent(dynamo);
            Ledger ledger = new Ledger(new DynamoLedgerStore(dynamo));
            post(ledger, settings.warmUp());
            Measured measured = post(ledger, settings.time());
            System.out.printf(
                    Locale.ROOT,
                    "| %d | %d | %.0f | %s | %s |%n",
                    settings.tenants(),
                    settings.batch(),
                    measured.perSecond(),
                    measured.percentile(50),
                    measured.percentile(99));
        }
    }

    private Measured post(Ledger ledger, Duration time) throws InterruptedException, ExecutionException {
        Histogram latencies = new ConcurrentHistogram(3);
        LongAdder posted = new LongAdder();
        long begun = System.nanoTime();
        long end = begun + time.toNanos();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Stream<Future<?>> running = Stream.iterate(0, i -> i + 1)
                    .limit(settings.tenants())
                    .map(i -> threads.submit(() -> {
                        while (System.nanoTime() < end) {
                            long before = System.nanoTime();
                            posted.add(ledger.post(batch("bench-" + i)).fresh());
                            latencies.recordValue((System.nanoTime() - before) / 1_000);
                        }
                    }));
            for (Future<?> each : running.toList()) {
                each.get();
            }
        }
        return new Measured(posted.sum(), Duration.ofNanos(System.nanoTime() - begun), latencies, Map.of());
    }

    private List<PostingGroup> batch(String tenant) {
        TenantId id = new TenantId(tenant);
        return Stream.generate(() -> PostingGroup.of(call(id)))
                .limit(settings.batch())
                .toList();
    }

    private static UsageRecord call(TenantId tenant) {
        String uuid = UUID.randomUUID().toString();
        return new UsageRecord(
                UUID.randomUUID(),
                tenant.value(),
                uuid,
                uuid,
                uuid,
                "greeter",
                "default",
                "openai",
                "openai/gpt-5-mini",
                1_200,
                0,
                300,
                false,
                false,
                false,
                900,
                1_080,
                Instant.now());
    }
}
