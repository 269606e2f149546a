package io.agentserver.loadtests;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Handlers that wait: so many messages to a service that answers after a pause, sent as fast as the gateway
 * takes them, nobody waiting for the answers. How many of them wait at once, and how many are over each second.
 */
final class WaitingBench {
    private static final int SENDERS = 32;

    /** Whoever was refused takes no processor from what is measured. */
    private static final long REFUSED_NANOS = Duration.ofMillis(10).toNanos();

    private final Settings settings;

    /** @param messages in all */
    record Settings(String store, String flush, int messages, Duration pause) {
        static Settings of(Options options) {
            options.only("store", "flush", "messages", "pause");
            return new Settings(
                    options.text("store"), options.text("flush"), options.number("messages", 60_000), pauseOf(options));
        }
    }

    WaitingBench(Settings settings) {
        this.settings = settings;
    }

    /** {@code --pause}, in seconds. */
    static Duration pauseOf(Options options) {
        return Duration.ofSeconds(options.number("pause", (int) BenchService.PAUSE.toSeconds()));
    }

    void run() throws IOException, InterruptedException {
        try (Platform platform = Platform.find();
                BenchService service = BenchService.start(settings.pause());
                Conversations conversations = new Conversations(platform, Conversations.To.SLOW_UNWATCHED)) {
            Optional<String> before = platform.organism();
            platform.activate(Conversations.organism(service.url()));
            try {
                measure(service, conversations);
            } finally {
                if (before.isPresent()) {
                    platform.activate(before.get());
                }
            }
        }
    }

    private void measure(BenchService service, Conversations conversations) throws InterruptedException {
        Thread sending = Thread.ofPlatform().daemon().start(() -> send(conversations));
        report(service, settings.messages());
        sending.join();
        System.out.println("errors: " + conversations.takeErrors());
    }

    private void send(Conversations conversations) {
        AtomicLong left = new AtomicLong(settings.messages());
        long begun = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < SENDERS; i++) {
                threads.execute(() -> {
                    while (left.getAndDecrement() > 0) {
                        while (!conversations.hold()) {
                            LockSupport.parkNanos(REFUSED_NANOS); // counted, and sent again
                        }
                    }
                });
            }
        }
        System.out.printf(Locale.ROOT, "sent: %d in %.1f s%n", settings.messages(), (System.nanoTime() - begun) / 1e9);
    }

    /** Until all are over, or none was for a while; the rate is that of the middle, when neither filling nor draining. */
    static void report(BenchService service, long messages) throws InterruptedException {
        List<long[]> samples = new ArrayList<>();
        long quietSince = System.nanoTime();
        long last = -1;
        while (service.answered() < messages
                && System.nanoTime() - quietSince < Duration.ofSeconds(60).toNanos()) {
            Thread.sleep(Duration.ofSeconds(1));
            long answered = service.answered();
            samples.add(new long[] {System.nanoTime(), answered});
            if (answered != last) {
                quietSince = System.nanoTime();
            }
            last = answered;
            System.out.println("answered " + answered + ", waiting " + service.waiting());
        }
        long[] from = null;
        long[] to = null;
        for (long[] sample : samples) {
            if (sample[1] >= messages / 5 && from == null) {
                from = sample;
            }
            if (sample[1] <= messages * 4 / 5) {
                to = sample;
            }
        }
        double rate = from == null || to == null || to[0] <= from[0] ? 0 : (to[1] - from[1]) * 1e9 / (to[0] - from[0]);
        System.out.printf(
                Locale.ROOT,
                "%d of %d answered; from the first fifth to the last %.0f/s; most waiting at once: %d%n",
                service.answered(),
                messages,
                rate,
                service.mostWaiting());
    }
}
