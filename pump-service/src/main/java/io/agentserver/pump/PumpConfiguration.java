package io.agentserver.pump;

import io.agentserver.log.Brokers;
import io.agentserver.log.RecordMac;
import io.agentserver.organism.OrganismParser;
import io.agentserver.pump.flow.DueMessages;
import io.agentserver.pump.flow.MessageFlows;
import io.agentserver.pump.flow.Organisms;
import io.agentserver.pump.flow.PumpMetrics;
import io.agentserver.pump.flow.RunningHandlers;
import io.agentserver.pump.grpc.GrpcThreadBuffer;
import io.agentserver.pump.handler.Breaker;
import io.agentserver.pump.handler.Handlers;
import io.agentserver.pump.http.HttpHandler;
import io.agentserver.pump.llm.LlmHandler;
import io.agentserver.pump.llm.RouterLlm;
import io.agentserver.pump.log.KafkaOutbox;
import io.agentserver.pump.log.LogPurge;
import io.agentserver.pump.log.Pump;
import io.agentserver.pump.log.PumpLimits;
import io.agentserver.pump.log.QueueSizes;
import io.agentserver.pump.log.Watchdog;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.EvenClock;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.grpc.GrpcAddress;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import java.util.Set;

/** The pump's map: Kafka → {@link Pump} → lanes → flow → handler, buffer, outbox → Kafka. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(PumpProperties.class)
class PumpConfiguration {
    @Bean
    EvenClock clock() {
        return new EvenClock();
    }

    /** Its destruction drains the lanes, before anything that they need is closed. */
    @Bean
    Pump pump(
            MessageFlows.Parts parts,
            MessageFlows flows,
            Brokers brokers,
            PumpProperties properties,
            QueueSizes sizes,
            MeterRegistry registry) {
        PumpProperties.InFlight bounds = properties.inFlight();
        Pump pump = new Pump(
                brokers,
                parts.flow(),
                new PumpLimits(
                        bounds.partition(),
                        bounds.tenant(),
                        bounds.all(),
                        bounds.size().toBytes()),
                flows.weights(),
                properties.drain(),
                sizes);
        Gauge.builder("agentserver.lanes", pump, Pump::laneCount)
                .description("lanes that have a message")
                .register(registry);
        Gauge.builder("agentserver.detached", pump, Pump::detachedCount)
                .description("messages that take long and are worked on off the log")
                .register(registry);
        return pump.start();
    }

    @Bean
    MessageFlows.Parts parts(MessageFlows flows, PumpProperties properties) {
        return flows.parts(properties.inFlight().history().toBytes());
    }

    @Bean
    DueMessages dueMessages(MessageFlows.Parts parts) {
        return parts.due().start();
    }

    @Bean
    RunningHandlers runningHandlers(MessageFlows.Parts parts) {
        return parts.running().start();
    }

    @Bean
    LogPurge logPurge(Brokers brokers, PumpProperties properties, Pump pump, Clock clock) {
        return new LogPurge(brokers, properties.keepLog(), pump::assigned, clock).start();
    }

    @Bean
    Watchdog watchdog(Brokers brokers, Pump pump, MeterRegistry registry) {
        return new Watchdog(brokers, pump, registry).start();
    }

    @Bean
    MessageFlows messageFlows(
            PlatformKeys keys,
            TenantDirectory tenants,
            GrpcThreadBuffer buffer,
            KafkaOutbox outbox,
            Handlers handlers,
            Tracing tracing,
            PumpProperties properties,
            MeterRegistry registry,
            Clock clock) {
        Organisms organisms = new Organisms(tenants, new OrganismParser(Handlers.builtinNames(), Set.of()));
        tenants.onRemoval(organisms::forget);
        return new MessageFlows(
                keys,
                new RecordMac(properties.secretBytes()),
                tenants,
                organisms,
                buffer,
                outbox,
                handlers,
                new PumpMetrics(registry),
                tracing,
                tenant -> weight(tenants.find(tenant)),
                clock);
    }

    /** Its plan's; of a plan that a newer gateway has given it, as of a tenant that is not known yet, the default one's. */
    static int weight(Optional<TenantEntry> tenant) {
        return tenant.flatMap(entry -> Plan.of(entry.plan()))
                .orElse(Plan.DEFAULT)
                .weight();
    }

    @Bean
    Handlers handlers(LlmHandler llm, HttpHandler http, MeterRegistry registry, Clock clock) {
        return new Handlers(new Breaker(llm, "llm", registry), new Breaker(http, "http", registry), clock);
    }

    @Bean
    LlmHandler llmHandler(PumpProperties properties, ServiceTokens tokens, Tracing tracing) {
        return new LlmHandler(new RouterLlm(URI.create(properties.llmUrl()), tokens, tracing));
    }

    @Bean
    HttpHandler httpHandler(PumpProperties properties, PlatformKeys keys, Clock clock, Tracing tracing) {
        return new HttpHandler(properties.allowLoopback(), keys.signing(), clock, tracing);
    }

    @Bean
    GrpcThreadBuffer threadBuffer(PumpProperties properties, ServiceTokens tokens, Tracing tracing) {
        return new GrpcThreadBuffer(new GrpcAddress(properties.bufferAddress()), tokens, tracing);
    }

    @Bean
    Brokers brokers(PumpProperties properties) {
        return Brokers.of(properties.kafka(), properties.kafkaProperties());
    }

    @Bean
    KafkaOutbox outbox(Brokers brokers, PumpProperties properties) {
        brokers.requireAnswer(properties.startPatience());
        return new KafkaOutbox(brokers);
    }

    @Bean
    TenantDirectory tenantDirectory(Brokers brokers, KafkaOutbox afterKafkaAnswers, QueueSizes sizes) {
        TenantDirectory directory = new TenantDirectory(brokers);
        directory.onChange(tenant -> sizes.known(tenant.tenantId()));
        directory.onRemoval(sizes::gone);
        return directory.start();
    }

    @Bean
    QueueSizes queueSizes(MeterRegistry registry, @Value("${agentserver.metrics.tenants}") int tenants, Clock clock) {
        return new QueueSizes(registry, tenants, clock);
    }

    @Bean
    ServiceTokens serviceTokens(PlatformKeys keys, Clock clock) {
        return new ServiceTokens(keys, clock);
    }

    @Bean
    PlatformKeys platformKeys(PumpProperties properties) {
        try {
            return PlatformKeys.load(Path.of(properties.platformKey()));
        } catch (IllegalArgumentException unusable) {
            throw new ConfigurationException(String.valueOf(unusable.getMessage()), unusable);
        }
    }

    @Bean
    Tracing tracing(Tracer tracer, ObjectProvider<Propagator> propagator) {
        return new Tracing(tracer, propagator.getIfAvailable(() -> Propagator.NOOP));
    }

    /** Alive: it can take messages again, and bring back what is due, without a new process. */
    @Bean
    HealthIndicator polling(Pump pump, DueMessages due) {
        return () -> (pump.isAlive() && due.isAlive() ? Health.up() : Health.down())
                .withDetail("messages", pump.isAlive())
                .withDetail("due", due.isAlive())
                .build();
    }

    /** Ready: it takes messages and knows whose they are. With the buffer away it is not, until it is back. */
    @Bean
    HealthIndicator pumping(Pump pump, GrpcThreadBuffer buffer, TenantDirectory tenants) {
        return () -> (pump.isJoined() && buffer.isReachable() && tenants.isCaughtUp()
                        ? Health.up()
                        : Health.outOfService())
                .withDetail("group", pump.isJoined())
                .withDetail("buffer", buffer.isReachable())
                .withDetail("tenants", tenants.isCaughtUp())
                .build();
    }
}
