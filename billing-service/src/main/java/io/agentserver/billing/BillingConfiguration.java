package io.agentserver.billing;

import io.agentserver.billing.console.ConsoleConfiguration;
import io.agentserver.billing.credit.CreditEndpoint;
import io.agentserver.billing.credit.CreditOpening;
import io.agentserver.billing.credit.CreditPublisher;
import io.agentserver.billing.credit.UsageDrain;
import io.agentserver.billing.deletion.DeletionEndpoint;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.dynamo.DynamoConnection;
import io.agentserver.billing.ledger.dynamo.DynamoLedgerStore;
import io.agentserver.billing.ledger.dynamo.DynamoMeterOutbox;
import io.agentserver.billing.ledger.dynamo.LedgerTable;
import io.agentserver.billing.reconcile.KafkaUsageRecords;
import io.agentserver.billing.reconcile.ReconcileJob;
import io.agentserver.billing.reconcile.Reconciliation;
import io.agentserver.billing.reconcile.SlotReceipts;
import io.agentserver.billing.stripe.PaymentSweep;
import io.agentserver.billing.stripe.StripeAccount;
import io.agentserver.billing.stripe.StripeWebhookEndpoint;
import io.agentserver.billing.topup.TopUps;
import io.agentserver.billing.usage.UsageConsumer;
import io.agentserver.billing.usage.UsageEndpoint;
import io.agentserver.credit.Credit;
import io.agentserver.log.Brokers;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.EvenClock;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.Setting;
import io.agentserver.service.http.PatientTomcat;
import io.agentserver.service.metrics.TenantGauge;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.TenantDirectory;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** The map of billing: usage topic → consumer → ledger → DynamoDB, its balances → Redis, and the endpoints; top-ups in,
 * and the comparison of all of them. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(BillingProperties.class)
@Import({
    StripeConfiguration.class,
    ProblemAdvice.class,
    UsageEndpoint.class,
    CreditEndpoint.class,
    DeletionEndpoint.class,
    StripeWebhookEndpoint.class,
    ConsoleConfiguration.class
})
class BillingConfiguration {
    private static final String GROUP = "billing";
    /** The tenants that have least are those that somebody has to know of. */
    private static final TenantGauge.Meaning CREDIT = new TenantGauge.Meaning(
            "agentserver.credit.microusd", "balance less holds and what is not posted yet", null, false, Double::sum);

    private static final Duration CALL_LIMIT = Duration.ofSeconds(10);
    private static final Duration RECONCILE_LOOK = Duration.ofMinutes(1);
    private static final Duration RECONCILE_PAUSE = Duration.ofSeconds(10);
    private static final Duration START_LIMIT = Duration.ofSeconds(30);

    @Bean
    EvenClock clock() {
        return new EvenClock();
    }

    @Bean
    PlatformKeys platformKeys(BillingProperties properties) {
        try {
            return PlatformKeys.load(properties.platformKeyFile());
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(String.valueOf(e.getMessage()), e);
        }
    }

    @Bean
    ServiceTokens serviceTokens(PlatformKeys keys, Clock clock) {
        return new ServiceTokens(keys, clock);
    }

    @Bean
    DynamoDbClient dynamo(BillingProperties properties) {
        return DynamoConnection.to(properties.dynamodbUrl());
    }

    @Bean
    LedgerStore ledgerStore(DynamoDbClient dynamo, BillingProperties properties) {
        try {
            LedgerTable.createIfAbsent(dynamo);
        } catch (SdkException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_DYNAMODB_URL + "=" + properties.dynamodbUrl()
                            + " does not answer: start DynamoDB there, or correct the address or the credentials",
                    e);
        }
        return new DynamoLedgerStore(dynamo);
    }

    @Bean
    Ledger ledger(LedgerStore store, CreditPublisher publisher) {
        return new Ledger(store, publisher);
    }

    // what gateways and routers hear of it

    @Bean
    RedisClients redisClients(BillingProperties properties) {
        if (properties.redisUrl().isBlank()) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_REDIS_URL + " is not set: name it as redis://host:port");
        }
        try {
            return RedisClients.connectWhenThere(properties.redisUrl(), CALL_LIMIT);
        } catch (IllegalArgumentException wrong) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_REDIS_URL + "="
                            + properties.redisUrl().replaceAll("//[^/,]*@", "//…@")
                            + " is no address of a Redis: write it as redis://host:port",
                    wrong);
        }
    }

    @Bean
    Credit credit(RedisClients redis) {
        return new Credit(redis);
    }

    @Bean
    CreditPublisher creditPublisher(LedgerStore store, Credit credit) {
        return new CreditPublisher(store, credit);
    }

    @Bean
    TenantDirectory tenantDirectory(Brokers brokers, UsageConsumer afterKafkaIsThere) {
        return new TenantDirectory(brokers).start();
    }

    @Bean
    UsageDrain usageDrain(Brokers brokers) {
        return new UsageDrain(brokers.admin(Map.of()), GROUP);
    }

    @Bean
    CreditOpening creditOpening(
            Ledger ledger,
            CreditPublisher publisher,
            Credit credit,
            TenantDirectory directory,
            UsageDrain drain,
            MeterRegistry metrics,
            @Value("${agentserver.metrics.tenants}") int tenants,
            Clock clock) {
        TenantGauge available = new TenantGauge(metrics, tenants, CREDIT);
        return new CreditOpening(ledger, publisher, credit, directory, drain, available, clock).start();
    }

    @Bean
    TopUps topUps(BillingProperties properties, Ledger ledger, Clock clock, Optional<StripeAccount> stripe) {
        return new TopUps(ledger, clock, stripe.orElse(null), properties.testCard());
    }

    @Bean
    MeterOutbox meterOutbox(DynamoDbClient dynamo) {
        return new DynamoMeterOutbox(dynamo);
    }

    /** It opens its connection when it is first asked, so it may have no address. */
    @Bean
    SlotReceipts slotReceipts(BillingProperties properties, ServiceTokens tokens) {
        return new SlotReceipts(properties.bufferAddress(), tokens);
    }

    @Bean
    Periodic reconcileJob(
            BillingProperties properties,
            Brokers brokers,
            LedgerStore store,
            MeterOutbox outbox,
            Optional<PaymentSweep> stripe,
            SlotReceipts slots,
            Clock clock,
            MeterRegistry metrics) {
        Reconciliation reconciliation = new Reconciliation(
                store,
                outbox,
                new KafkaUsageRecords(brokers),
                properties.bufferAddress().isEmpty() ? null : slots,
                stripe.orElse(null),
                clock,
                RECONCILE_PAUSE,
                Path.of(System.getProperty("java.io.tmpdir")));
        ReconcileJob job =
                new ReconcileJob(reconciliation::compare, store, properties.reconcileEvery(), clock, metrics);
        return new Periodic("reconcile", RECONCILE_LOOK, RECONCILE_LOOK, job::run, metrics).start();
    }

    @Bean
    Brokers brokers(BillingProperties properties) {
        return properties.brokers();
    }

    @Bean
    UsageConsumer usageConsumer(Brokers brokers, Ledger ledger, Clock clock, MeterRegistry metrics) {
        brokers.requireAnswer(START_LIMIT);
        return new UsageConsumer(brokers, GROUP, ledger, clock, metrics).start();
    }

    @Bean
    HealthIndicator usageConsumerHealthIndicator(UsageConsumer consumer) {
        return () -> (consumer.isRunning() ? Health.up() : Health.down()).build();
    }

    @Bean
    Problems problems(MeterRegistry metrics) {
        return new Problems(metrics);
    }

    @Bean
    PatientTomcat patientTomcat(Problems problems, JsonMapper json) {
        return new PatientTomcat(new ServerRefusals(problems, json));
    }
}
