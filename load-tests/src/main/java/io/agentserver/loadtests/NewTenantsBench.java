package io.agentserver.loadtests;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.util.Locale;

/**
 * How soon a new tenant is served: tenants are made one after the other, each with an organism, and each sends one message at
 * once, whose topic the pumps have not heard of. With {@code --before} so many others are made first, which send nothing: their
 * topics are there. In: a running platform and its operator's key. Out: one row of
 * {@code docs/performance.md}. The tenants stay.
 */
final class NewTenantsBench {
    private static final long LONGEST_MICROS = 60_000_000;
    private static final int DIGITS = 3;

    private final Settings settings;

    record Settings(String store, String flush, int before, int tenants) {
        static Settings of(Options options) {
            options.only("store", "flush", "before", "tenants");
            return new Settings(
                    options.text("store"),
                    options.text("flush"),
                    options.number("before", 0),
                    options.number("tenants", 20));
        }
    }

    NewTenantsBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        Histogram made = new Histogram(LONGEST_MICROS, DIGITS);
        Histogram served = new Histogram(LONGEST_MICROS, DIGITS);
        int errors = 0;
        try (Platform operator = Platform.find()) {
            for (int i = 0; i < settings.before(); i++) {
                operator.newTenant().close();
            }
            for (int i = 0; i < settings.tenants(); i++) {
                long asked = System.nanoTime();
                try (Platform tenant = operator.newTenant();
                        Conversations first = new Conversations(tenant)) {
                    made.recordValue((System.nanoTime() - asked) / 1000);
                    tenant.activate(Conversations.organism(""));
                    long sent = System.nanoTime();
                    if (first.hold()) {
                        served.recordValue((System.nanoTime() - sent) / 1000);
                    } else {
                        errors++;
                        System.out.println("no answer: " + first.takeErrors());
                    }
                }
            }
        }
        System.out.printf(
                Locale.ROOT,
                """

                | store | flush | tenants there | new | made: p50 | most | first message answered: p50 | most | errors |
                |---|---|---|---|---|---|---|---|---|
                | %s | %s | %d | %d | %.0f ms | %.0f ms | %.0f ms | %.0f ms | %d |
                """,
                settings.store(),
                settings.flush(),
                settings.before(),
                settings.tenants(),
                made.getValueAtPercentile(50) / 1000.0,
                made.getMaxValue() / 1000.0,
                served.getValueAtPercentile(50) / 1000.0,
                served.getMaxValue() / 1000.0,
                errors);
    }
}
