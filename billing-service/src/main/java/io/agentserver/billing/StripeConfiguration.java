package io.agentserver.billing;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.stripe.MeterEvents;
import io.agentserver.billing.stripe.PaymentSweep;
import io.agentserver.billing.stripe.Settlement;
import io.agentserver.billing.stripe.StripeAccount;
import io.agentserver.billing.stripe.StripeWebhook;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.type.AnnotatedTypeMetadata;

import java.time.Clock;
import java.time.Duration;

/** What there is if Stripe's keys are set: payments in by webhook and by listing, usage out as meter events. */
@Configuration(proxyBeanMethods = false)
@Conditional(StripeConfiguration.KeyIsSet.class)
class StripeConfiguration {
    private static final Duration SWEEP_PAUSE = Duration.ofHours(1);
    private static final Duration METER_PAUSE = Duration.ofMinutes(5);

    @Bean
    StripeAccount stripeAccount(BillingProperties properties, LedgerStore store) {
        return new StripeAccount(properties.stripe(), store);
    }

    @Bean
    StripeWebhook stripeWebhook(BillingProperties properties, StripeAccount stripe, Ledger ledger, Clock clock) {
        Settlement settlement =
                new Settlement(stripe, ledger, properties.stripe().isLive());
        return new StripeWebhook(properties.stripe(), settlement, clock);
    }

    @Bean
    PaymentSweep paymentSweep(StripeAccount stripe, Ledger ledger, Clock clock) {
        return new PaymentSweep(stripe, ledger, clock);
    }

    @Bean
    Periodic paymentSweepJob(PaymentSweep sweep, MeterRegistry metrics) {
        return new Periodic("payment-sweep", Duration.ZERO, SWEEP_PAUSE, sweep::postMissing, metrics).start();
    }

    @Bean
    Periodic meterEventsJob(
            LedgerStore store, MeterOutbox outbox, StripeAccount stripe, Clock clock, MeterRegistry metrics) {
        return new Periodic(
                        "meter-events",
                        Duration.ZERO,
                        METER_PAUSE,
                        new MeterEvents(store, outbox, stripe, clock)::tell,
                        metrics)
                .start();
    }

    static final class KeyIsSet implements Condition {
        @Override
        public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
            return !context.getEnvironment()
                    .getProperty("agentserver.billing.stripe.key", "")
                    .isEmpty();
        }
    }
}
