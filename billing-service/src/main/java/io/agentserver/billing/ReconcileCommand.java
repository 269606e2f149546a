package io.agentserver.billing;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.Reconciled;
import io.agentserver.billing.ledger.dynamo.DynamoConnection;
import io.agentserver.billing.ledger.dynamo.DynamoLedgerStore;
import io.agentserver.billing.ledger.dynamo.DynamoMeterOutbox;
import io.agentserver.billing.reconcile.KafkaUsageRecords;
import io.agentserver.billing.reconcile.Reconciliation;
import io.agentserver.billing.reconcile.Report;
import io.agentserver.billing.reconcile.SlotReceipts;
import io.agentserver.billing.stripe.PaymentSweep;
import io.agentserver.billing.stripe.StripeAccount;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.agentserver.service.ServiceTokens;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;

/**
 * {@code reconcile}: compares slots, usage records, ledger and Stripe over the stores that the environment names, without a
 * running billing. Prints what was compared, each difference on a line, and {@code difference: <n>}. Changes nothing but
 * what was found last, which the services show as metrics.
 */
public final class ReconcileCommand {
    /** As long as a call may take from its slot to its posting. */
    private static final Duration PAUSE = Duration.ofSeconds(5);

    private ReconcileCommand() {}

    /** To be called before anything logs: what goes wrong in a library is for standard error, the answer for the other. */
    public static void quietLogging() {
        System.setProperty("logback.configurationFile", "io/agentserver/billing/command-logback.xml");
    }

    /** @return 0: all agree; 1: they do not; 2: it could not be found out */
    public static int run(Map<String, String> environment, PrintStream out, PrintStream err) {
        try {
            Report report = compare(BillingProperties.of(environment), err);
            report.seen().forEach(out::println);
            report.differences().forEach(difference -> out.println(difference.text()));
            if (report.count() > report.differences().size()) {
                out.println("… and more: these are the first "
                        + report.differences().size());
            }
            out.println("difference: " + report.count());
            return report.count() == 0 ? 0 : 1;
        } catch (RuntimeException e) {
            err.println("agentserver cannot reconcile: " + ServiceApplication.reason(e));
            return 2;
        }
    }

    private static Report compare(BillingProperties properties, PrintStream err) {
        Clock clock = Clock.systemUTC();
        ServiceTokens tokens = new ServiceTokens(PlatformKeys.load(properties.platformKeyFile()), clock);
        try (var dynamo = DynamoConnection.to(properties.dynamodbUrl());
                SlotReceipts slots = new SlotReceipts(properties.bufferAddress(), tokens)) {
            LedgerStore store = new DynamoLedgerStore(dynamo);
            Report report = new Reconciliation(
                            store,
                            new DynamoMeterOutbox(dynamo),
                            new KafkaUsageRecords(properties.brokers()),
                            properties.bufferAddress().isEmpty() ? null : slots,
                            stripe(properties, store, clock),
                            clock,
                            PAUSE,
                            Path.of(System.getProperty("java.io.tmpdir")))
                    .compare();
            keep(new Reconciled(clock.instant(), report.count()), store, err);
            return report;
        }
    }

    /** For the services, which show it as metrics. */
    private static void keep(Reconciled outcome, LedgerStore store, PrintStream err) {
        try {
            store.keep(outcome);
        } catch (SdkException e) {
            err.println("agentserver reconcile: the metrics will not tell of this, for it could not be written: "
                    + ServiceApplication.reason(e));
        }
    }

    private static @Nullable PaymentSweep stripe(BillingProperties properties, LedgerStore store, Clock clock) {
        return properties.stripe().isSet()
                ? new PaymentSweep(new StripeAccount(properties.stripe(), store), new Ledger(store), clock)
                : null;
    }
}
