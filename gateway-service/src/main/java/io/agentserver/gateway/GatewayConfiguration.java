package io.agentserver.gateway;

import io.agentserver.credit.Credit;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.XmlLimits;
import io.agentserver.gateway.admission.Admission;
import io.agentserver.gateway.admission.Batches;
import io.agentserver.gateway.admission.MessagesEndpoint;
import io.agentserver.gateway.admission.Responses;
import io.agentserver.gateway.billing.Billing;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.callers.Operator;
import io.agentserver.gateway.callers.Payer;
import io.agentserver.gateway.credit.CreditEndpoint;
import io.agentserver.gateway.credit.CreditLook;
import io.agentserver.gateway.deadletters.DeadLetters;
import io.agentserver.gateway.deadletters.DeadLettersEndpoint;
import io.agentserver.gateway.deadletters.KafkaDeadLetterLog;
import io.agentserver.gateway.deadletters.LetterReader;
import io.agentserver.gateway.deadletters.Redrive;
import io.agentserver.gateway.deletion.DeletionEndpoint;
import io.agentserver.gateway.deletion.Deletions;
import io.agentserver.gateway.deletion.DynamoDeletions;
import io.agentserver.gateway.export.Export;
import io.agentserver.gateway.export.ExportEndpoint;
import io.agentserver.gateway.keys.Keys;
import io.agentserver.gateway.keys.KeysEndpoint;
import io.agentserver.gateway.keys.LastUses;
import io.agentserver.gateway.keys.OldWrappings;
import io.agentserver.gateway.keys.ProviderKeys;
import io.agentserver.gateway.keys.ProviderKeysEndpoint;
import io.agentserver.gateway.keys.SigningKeysEndpoint;
import io.agentserver.gateway.limits.BodyMemory;
import io.agentserver.gateway.limits.LimitsFilter;
import io.agentserver.gateway.limits.OpenRequests;
import io.agentserver.gateway.limits.RateLimits;
import io.agentserver.gateway.log.KafkaClients;
import io.agentserver.gateway.log.KafkaMessageLog;
import io.agentserver.gateway.log.LogTopics;
import io.agentserver.gateway.log.TenantRecords;
import io.agentserver.gateway.openapi.OpenApiEndpoint;
import io.agentserver.gateway.organism.Activation;
import io.agentserver.gateway.organism.BootMessages;
import io.agentserver.gateway.organism.CloudFrontAddresses;
import io.agentserver.gateway.organism.ListenersEndpoint;
import io.agentserver.gateway.organism.OrganismEndpoint;
import io.agentserver.gateway.organism.Organisms;
import io.agentserver.gateway.organism.S3Delivery;
import io.agentserver.gateway.organism.StaticDelivery;
import io.agentserver.gateway.organism.StaticEndpoint;
import io.agentserver.gateway.problems.ErrorEndpoint;
import io.agentserver.gateway.problems.ProblemAdvice;
import io.agentserver.gateway.problems.ProblemDocuments;
import io.agentserver.gateway.problems.RequestFilter;
import io.agentserver.gateway.problems.ServerRefusals;
import io.agentserver.gateway.respond.LateAnswers;
import io.agentserver.gateway.respond.RespondEndpoint;
import io.agentserver.gateway.respond.TokenFreeConvention;
import io.agentserver.gateway.tenants.DynamoKeyUses;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.gateway.tenants.Reconciliation;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.gateway.tenants.TenantsEndpoint;
import io.agentserver.gateway.tenants.TenantsTopic;
import io.agentserver.gateway.threads.EventStreams;
import io.agentserver.gateway.threads.StatsEndpoint;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.gateway.threads.ThreadsEndpoint;
import io.agentserver.gateway.usage.UsageEndpoint;
import io.agentserver.log.Brokers;
import io.agentserver.log.RecordMac;
import io.agentserver.organism.HandlerHosts;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.EvenClock;
import io.agentserver.service.FairGate;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.Setting;
import io.agentserver.service.grpc.GrpcAddress;
import io.agentserver.service.http.PatientTomcat;
import io.agentserver.service.metrics.TenantCounters;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.service.trace.Traceparent;
import io.agentserver.tenancy.KeyUses;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.RedisKeyUses;
import io.agentserver.tenancy.TenantDirectory;
import io.micrometer.context.ContextRegistry;
import io.micrometer.context.ContextSnapshot;
import io.micrometer.context.ContextSnapshotFactory;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.tracing.Tracer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.Producer;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.server.observation.ServerRequestObservationConvention;
import org.springframework.web.context.request.RequestAttributesThreadLocalAccessor;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** The gateway's map: every part, and what it is made of. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(GatewayProperties.class)
@Import({
    // HTTP in
    MessagesEndpoint.class,
    ThreadsEndpoint.class,
    OrganismEndpoint.class,
    ListenersEndpoint.class,
    StaticEndpoint.class,
    KeysEndpoint.class,
    SigningKeysEndpoint.class,
    ProviderKeysEndpoint.class,
    DeadLettersEndpoint.class,
    ExportEndpoint.class,
    RespondEndpoint.class,
    UsageEndpoint.class,
    TenantsEndpoint.class,
    StatsEndpoint.class,
    DeletionEndpoint.class,
    CreditEndpoint.class,
    PlatformEndpoint.class,
    OpenApiEndpoint.class,
    ErrorEndpoint.class,
    ProblemAdvice.class,
    RequestFilter.class,
    LimitsFilter.class,
})
class GatewayConfiguration {
    private static final Duration REDIS_START = Duration.ofSeconds(10);
    private static final Duration KAFKA_START = Duration.ofSeconds(10);

    @Bean
    EvenClock clock() {
        return new EvenClock();
    }

    @Bean
    CurrentTrace trace(Tracer tracer) {
        return new CurrentTrace(tracer, GatewayConfiguration::broughtTrace);
    }

    private static @Nullable String broughtTrace() {
        return RequestContextHolder.getRequestAttributes() instanceof ServletRequestAttributes attributes
                ? attributes.getRequest().getHeader(Traceparent.HEADER)
                : null;
    }

    @Bean
    ProblemDocuments problemDocuments(MeterRegistry metrics) {
        return new ProblemDocuments(metrics);
    }

    @Bean
    PatientTomcat patientTomcat(ProblemDocuments documents) {
        return new PatientTomcat(new ServerRefusals(documents));
    }

    /** An eighth of the heap: what is made of a body takes some times its size. */
    @Bean
    BodyMemory bodyMemory() {
        return new BodyMemory(Runtime.getRuntime().maxMemory() / 8);
    }

    /** A quarter of the heap, beside the bodies. */
    @Bean
    OpenRequests openRequests(MeterRegistry metrics) {
        OpenRequests requests =
                new OpenRequests(Math.toIntExact(Runtime.getRuntime().maxMemory() / 4 / OpenRequests.BYTES_EACH));
        Gauge.builder("agentserver.requests.open", requests, OpenRequests::open).register(metrics);
        Gauge.builder("agentserver.requests.waiting", requests, OpenRequests::waiting)
                .register(metrics);
        return requests;
    }

    // who calls

    @Bean
    Callers callers(TenantDirectory directory, ServiceTokens services, KeyUses uses, Clock clock) {
        return new Callers(directory, services, uses, clock);
    }

    /** This gateway's own, and those that routers have noted. */
    @Bean
    KeyUses keyUses(DynamoKeyUses kept, RedisClients redis) {
        return new KeyUses(kept, new RedisKeyUses(redis)).start();
    }

    @Bean
    DynamoKeyUses dynamoKeyUses(DynamoDbClient dynamo, TenantDirectory directory, DynamoTenantTable created) {
        return new DynamoKeyUses(dynamo, directory);
    }

    @Bean
    Operator operator(GatewayProperties properties) {
        return new Operator(properties.adminKey());
    }

    // keys and signatures

    @Bean
    PlatformKeys platformKeys(GatewayProperties properties) {
        try {
            return PlatformKeys.load(Path.of(properties.platformKey()));
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(String.valueOf(e.getMessage()), e);
        }
    }

    @Bean
    ServiceTokens serviceTokens(PlatformKeys keys, Clock clock) {
        return new ServiceTokens(keys, clock);
    }

    @Bean
    EnvelopeToken envelopeToken(Clock clock) {
        return new EnvelopeToken(clock);
    }

    // the log

    @Bean
    Brokers brokers(GatewayProperties properties) {
        return Brokers.of(properties.kafka(), properties.kafkaProperties());
    }

    @Bean
    Admin kafkaAdmin(Brokers brokers) {
        brokers.requireAnswer(KAFKA_START);
        return brokers.admin(Map.of());
    }

    @Bean
    LogTopics logTopics(Admin admin, GatewayProperties properties) {
        LogTopics topics = new LogTopics(admin, properties.kafkaReplication());
        topics.createPlatformTopics();
        return topics;
    }

    @Bean
    Producer<byte[], byte[]> kafkaProducer(Admin reachable, Brokers brokers) {
        return KafkaClients.producer(brokers);
    }

    @Bean
    KafkaMessageLog messageLog(Producer<byte[], byte[]> producer, RecordMac mac, CurrentTrace trace) {
        return new KafkaMessageLog(producer, mac, trace);
    }

    @Bean
    RecordMac recordMac(GatewayProperties properties) {
        return new RecordMac(properties.secretBytes());
    }

    // tenants

    @Bean
    DynamoDbClient dynamoDb(GatewayProperties properties) {
        return DynamoConnection.open(properties.dynamodbUrl());
    }

    @Bean
    DynamoTenantTable tenantTable(DynamoDbClient dynamo, GatewayProperties properties) {
        DynamoTenantTable table = new DynamoTenantTable(dynamo);
        DynamoConnection.check(properties.dynamodbUrl(), table::createIfAbsent);
        return table;
    }

    @Bean
    DynamoTenantKeys tenantKeys(
            DynamoDbClient dynamo, PlatformKeys platform, GatewayProperties properties, Clock clock) {
        DynamoTenantKeys keys = new DynamoTenantKeys(dynamo, platform, clock);
        DynamoConnection.check(properties.dynamodbUrl(), keys::createIfAbsent);
        return keys;
    }

    @Bean
    TenantDirectory tenantDirectory(Brokers brokers, LogTopics created, TenantCounters counters) {
        TenantDirectory directory = new TenantDirectory(brokers);
        directory.onRemoval(counters::forget);
        return directory.start();
    }

    @Bean
    TenantCounters tenantCounters(MeterRegistry metrics, @Value("${agentserver.metrics.tenants}") int tenants) {
        return new TenantCounters(metrics, tenants);
    }

    @Bean
    TenantsTopic tenantsTopic(Producer<byte[], byte[]> producer, TenantDirectory directory, Clock clock) {
        return new TenantsTopic(producer, directory, clock).start();
    }

    @Bean
    Tenants tenants(
            DynamoTenantTable table, TenantsTopic topic, TenantDirectory directory, LogTopics topics, Clock clock) {
        return new Tenants(table, topic, directory, topics, clock);
    }

    @Bean
    Reconciliation reconciliation(
            TenantDirectory directory, Tenants tenants, Activation activation, DynamoTenantKeys keys) {
        return new Reconciliation(
                        directory,
                        tenants::reconcile,
                        activation::finishPending,
                        tenants::retireOrganisms,
                        new OldWrappings(directory, keys)::renew)
                .start();
    }

    @Bean
    Deletions deletions(
            DynamoDbClient dynamo,
            DynamoTenantTable table,
            DynamoTenantKeys keys,
            Tenants tenants,
            TenantDirectory directory,
            LogTopics topics,
            Admin admin,
            Brokers brokers,
            ThreadBuffer buffer,
            Billing billing,
            StaticDelivery delivery,
            RedisClients redis,
            GatewayProperties properties,
            Clock clock) {
        return Deletions.of(
                        new DynamoDeletions(dynamo),
                        table,
                        keys,
                        tenants,
                        directory,
                        topics,
                        new TenantRecords(admin, () -> KafkaClients.consumer(brokers)),
                        buffer,
                        billing,
                        delivery,
                        redis,
                        properties.deletionLease(),
                        clock)
                .start();
    }

    @Bean
    HealthIndicator tenantsHealthIndicator(TenantDirectory directory) {
        return () -> (directory.isFresh() ? Health.up() : Health.outOfService()).build();
    }

    @Bean
    Keys keys(Tenants tenants, Clock clock) {
        return new Keys(tenants, clock);
    }

    @Bean
    ProviderKeys providerKeys(Tenants tenants, DynamoTenantKeys dataKeys, Clock clock) {
        return new ProviderKeys(tenants, dataKeys, clock);
    }

    @Bean
    LastUses lastUses(DynamoKeyUses kept, KeyUses own) {
        return new LastUses(kept, own);
    }

    // organisms

    @Bean
    Organisms organisms(TenantDirectory directory, GatewayProperties properties) {
        Organisms organisms = new Organisms(directory, HandlerHosts.of(properties.allowLoopback()));
        directory.onRemoval(organisms::forget);
        return organisms;
    }

    @Bean
    Activation activation(
            Organisms organisms,
            Tenants tenants,
            DynamoTenantTable table,
            KafkaMessageLog log,
            EnvelopeToken token,
            PlatformKeys keys,
            StaticDelivery delivery,
            RateLimits limits,
            Clock clock) {
        BootMessages boot = new BootMessages(log, token, keys.signing());
        return new Activation(organisms, tenants, table, boot, delivery, limits, clock);
    }

    @Bean
    StaticDelivery staticDelivery(GatewayProperties properties, Clock clock) {
        GatewayProperties.Delivery delivery = properties.delivery();
        return delivery.isWanted()
                ? S3Delivery.to(
                        delivery.s3Url(),
                        delivery.bucket(),
                        CloudFrontAddresses.of(delivery.url(), delivery.keyId(), Path.of(delivery.key()), clock))
                : StaticDelivery.NONE;
    }

    // messages in

    @Bean
    XmlLimits xmlLimits(GatewayProperties properties) {
        XmlLimits usual = XmlLimits.DEFAULT;
        return new XmlLimits(
                properties.maxEnvelopeBytes(), usual.depth(), usual.elements(), usual.attributes(), usual.nameLength());
    }

    /** For what needs the processor alone: more would be done at once than there are processors, and each of it later. */
    @Bean
    FairGate<Payer> processor(TenantDirectory directory) {
        return new FairGate<>(
                Math.max(4, 2 * Runtime.getRuntime().availableProcessors()),
                payer -> directory
                        .find(payer.tenant())
                        .flatMap(entry -> Plan.of(entry.plan()))
                        .orElse(Plan.DEFAULT)
                        .weight());
    }

    @Bean
    Admission admission(
            XmlLimits limits,
            TenantDirectory directory,
            Organisms organisms,
            EnvelopeToken token,
            PlatformKeys keys,
            ThreadBuffer buffer,
            KafkaMessageLog log,
            CreditLook credit,
            RateLimits rates,
            FairGate<Payer> gate,
            TenantCounters counters) {
        return new Admission(
                limits, directory, organisms, token, keys.signing(), buffer, log, credit, rates, gate, counters);
    }

    @Bean
    Batches batches(Admission admission, RateLimits rates) {
        ContextRegistry context = new ContextRegistry()
                .loadThreadLocalAccessors() // the span's among them
                .registerThreadLocalAccessor(new RequestAttributesThreadLocalAccessor());
        ContextSnapshotFactory request = ContextSnapshotFactory.builder()
                .contextRegistry(context)
                .clearMissing(false)
                .build();
        return new Batches(admission, rates, () -> {
            ContextSnapshot captured = request.captureAll(); // once for all messages of a batch
            return work -> Thread.ofVirtual().name("batch").start(captured.wrap(work));
        });
    }

    // credit

    @Bean
    RedisClients redisClients(GatewayProperties properties) {
        try {
            return RedisClients.connectWhenThere(properties.redisUrl(), REDIS_START);
        } catch (IllegalArgumentException wrong) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_REDIS_URL + "="
                            + properties.redisUrl().replaceAll("//[^/,]*@", "//…@")
                            + " is no address of a Redis: write it as redis://host:port",
                    wrong);
        }
    }

    @Bean
    RateLimits rateLimits(RedisClients redis) {
        return new RateLimits(redis);
    }

    @Bean
    CreditLook creditLook(RedisClients redis) {
        return new CreditLook(new Credit(redis));
    }

    @Bean
    Billing billing(GatewayProperties properties, ServiceTokens tokens, CurrentTrace trace) {
        return new Billing(URI.create(properties.billingUrl()), tokens, trace);
    }

    // dead letters

    @Bean
    KafkaDeadLetterLog deadLetterLog(Brokers brokers) {
        return new KafkaDeadLetterLog(() -> KafkaClients.consumer(brokers));
    }

    @Bean
    DeadLetters deadLetters(
            KafkaDeadLetterLog log,
            RecordMac mac,
            EnvelopeToken token,
            PlatformKeys platform,
            TenantDirectory directory) {
        EnvelopeToken.Keys keys = (issuer, kid) -> issuer.equals(EnvelopeToken.PLATFORM)
                ? platform.find(kid)
                : TenantId.isValid(issuer) ? directory.signingKey(new TenantId(issuer), kid, true) : Optional.empty();
        return new DeadLetters(log, new LetterReader(mac, token, keys));
    }

    @Bean
    Redrive redrive(DeadLetters letters, ThreadBuffer buffer, Admission admission) {
        return new Redrive(letters, buffer, admission);
    }

    // late answers

    @Bean
    LateAnswers lateAnswers(
            PlatformKeys keys,
            Callers callers,
            TenantDirectory directory,
            Organisms organisms,
            ThreadBuffer buffer,
            Clock clock) {
        return new LateAnswers(keys, callers, directory, organisms, buffer, clock);
    }

    /** Spans name the URL that was called. */
    @Bean
    ServerRequestObservationConvention withoutTokens() {
        return new TokenFreeConvention();
    }

    // conversations out

    @Bean
    ThreadBuffer threadBuffer(GatewayProperties properties, ServiceTokens tokens, CurrentTrace trace) {
        return new ThreadBuffer(new GrpcAddress(properties.bufferAddress()), tokens, trace);
    }

    @Bean
    Responses responses(ThreadBuffer buffer, Organisms organisms) {
        return new Responses(buffer, organisms);
    }

    @Bean
    EventStreams eventStreams(ThreadBuffer buffer) {
        return new EventStreams(buffer);
    }

    @Bean
    Export export(ThreadBuffer buffer, DeadLetters letters, Billing billing, DynamoTenantTable table, Clock clock) {
        return new Export(buffer, letters, billing, table, clock);
    }
}
