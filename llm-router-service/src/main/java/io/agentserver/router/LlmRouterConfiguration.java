package io.agentserver.router;

import io.agentserver.credit.Credit;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.TenantKeys;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.EvenClock;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.http.PatientTomcat;
import io.agentserver.service.metrics.TenantCounters;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.KeyUses;
import io.agentserver.tenancy.LlmLimits;
import io.agentserver.tenancy.RedisKeyUses;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.lettuce.core.RedisException;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/** The router's map: an HTTP call goes endpoint → callers → once-only → cache → router → holds → backend, and back → settlement → usage. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(LlmRouterProperties.class)
@Import(ErrorAdvice.class)
class LlmRouterConfiguration {
    private static final Duration CONNECT = Duration.ofSeconds(5);

    @Bean
    EvenClock clock() {
        return new EvenClock();
    }

    @Bean
    OpenAiEndpoint openAiEndpoint(Door door, TenantRoutes routes) {
        return new OpenAiEndpoint(door, new Models(routes));
    }

    @Bean
    AnthropicEndpoint anthropicEndpoint(Door door) {
        return new AnthropicEndpoint(door);
    }

    @Bean
    Door door(
            Callers callers,
            OnceOnly chat,
            RedisAnswers answers,
            Supplier<RouteTable> routes,
            RouterMetrics metrics,
            Tracer tracer,
            CallMemory memory,
            LlmRouterProperties properties) {
        return new Door(
                callers,
                chat,
                new Unwanted(answers, routes),
                metrics,
                tracer,
                memory,
                Math.toIntExact(properties.maxRequest().toBytes()));
    }

    /** Half of the heap: the other is for answers, connections and everything else. */
    @Bean
    CallMemory callMemory(MeterRegistry registry) {
        CallMemory memory = new CallMemory(Runtime.getRuntime().maxMemory() / 2);
        Gauge.builder("agentserver.llm.bodies", memory, CallMemory::held)
                .description("memory that calls hold for their bodies, and for the vectors that they ask for")
                .baseUnit("bytes")
                .register(registry);
        return memory;
    }

    @Bean
    Callers callers(TenantDirectory directory, PlatformKeys platform, KeyUses uses, Clock clock) {
        return new Callers(directory, new ServiceTokens(platform, clock), uses, clock);
    }

    @Bean
    PlatformKeys platformKeys(LlmRouterProperties properties) {
        try {
            return PlatformKeys.load(Path.of(properties.platformKey()));
        } catch (IllegalArgumentException unusable) {
            throw new ConfigurationException(String.valueOf(unusable.getMessage()), unusable);
        }
    }

    /** On their way to a gateway, which keeps them. */
    @Bean
    KeyUses keyUses(RedisClients redis) {
        return new KeyUses(new RedisKeyUses(redis), KeyUses.Others.NONE).start();
    }

    @Bean
    PatientTomcat patientTomcat(RouterMetrics metrics) {
        return new PatientTomcat(new ServerRefusals(metrics));
    }

    /** Whether a client has hung up; and models' names with a slash, which clients write as {@code %2F}. */
    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> hangUps() {
        return factory -> {
            factory.addEngineValves(new HangUpValve());
            factory.addConnectorCustomizers(
                    connector -> connector.setEncodedSolidusHandling(EncodedSolidusHandling.DECODE.getValue()));
        };
    }

    @Bean
    TenantDirectory tenantDirectory(Brokers brokers, KafkaUsageLog afterKafkaIsThere, TenantCounters counters) {
        TenantDirectory directory = new TenantDirectory(brokers);
        directory.onRemoval(counters::forget);
        return directory.start();
    }

    @Bean
    OnceOnly onceOnly(Cached chat, RedisAnswers answers, TenantRoutes routes, RouterMetrics metrics) {
        return new OnceOnly(chat, answers, routes, metrics);
    }

    @Bean
    RedisAnswers redisAnswers(RedisClients redis, TenantDirectory directory, LlmRouterProperties properties) {
        RedisAnswers.Bounds bounds = new RedisAnswers.Bounds(
                properties.onceAnswer().toBytes(), properties.onceTenant().toBytes(), properties.onceKeys());
        return new RedisAnswers(redis.commands(), bounds, directory::isGone);
    }

    @Bean
    Cached cached(
            Router router,
            TenantRoutes routes,
            RedisClients redis,
            TenantDirectory directory,
            Holds holds,
            Settlement settlement,
            RouterMetrics metrics,
            LlmRouterProperties properties) {
        RedisCache.Bounds bounds = new RedisCache.Bounds(
                properties.cacheAnswer().toBytes(), properties.cacheTenant().toBytes());
        return new Cached(
                router,
                routes,
                new RedisCache(redis, bounds, directory::isGone),
                new Hits(holds, settlement, metrics),
                metrics);
    }

    @Bean
    RedisClients redisClients(LlmRouterProperties properties) {
        try {
            return RedisClients.connect(properties.redisUrl(), properties.startPatience());
        } catch (RedisException | IllegalArgumentException unreachable) {
            throw new ConfigurationException(
                    "AGENTSERVER_REDIS_URL=" + properties.redisUrl().replaceAll("//[^/,]*@", "//…@")
                            + ": no Redis answers there: start it or correct the address",
                    unreachable);
        }
    }

    @Bean
    Router router(
            Supplier<RouteTable> routes,
            TenantRoutes tenantRoutes,
            Settlement settlement,
            Holds holds,
            RouterMetrics metrics,
            Tracer tracer,
            ObjectProvider<Propagator> propagator,
            MeterRegistry registry,
            Clock clock) {
        ModelSpan.Maker spans = new ModelSpan.Maker(
                tracer,
                propagator.getIfAvailable(() -> Propagator.NOOP),
                new GenAiMetrics(registry, (provider, model) -> routes.get().isListed(provider, model)));
        return new Router(tenantRoutes, settlement, holds, metrics, spans, clock);
    }

    @Bean
    Credit credit(RedisClients redis) {
        return new Credit(redis);
    }

    @Bean
    Holds holds(
            Credit credit,
            TenantDirectory directory,
            RouterMetrics metrics,
            LlmRouterProperties properties,
            MeterRegistry registry) {
        Holds holds = new Holds(
                credit,
                // none of one that was deleted since its caller was identified
                tenant -> directory.find(tenant).map(TenantEntry::llm).orElse(LlmLimits.NONE),
                metrics,
                properties.holdGrace(),
                directory::isGone);
        Gauge.builder("agentserver.credit.holds", holds, Holds::running)
                .description("calls of this router that hold credit")
                .register(registry);
        Gauge.builder("agentserver.credit.settling", holds, Holds::owed)
                .description("ends of holds that Redis has not taken yet")
                .register(registry);
        return holds;
    }

    @Bean
    LapsedHolds lapsedHolds(
            Holds holds,
            Credit credit,
            KafkaUsageLog log,
            TenantDirectory directory,
            RouterMetrics metrics,
            LlmRouterProperties properties) {
        Supplier<Collection<TenantId>> tenants =
                () -> directory.all().stream().map(TenantEntry::tenantId).toList();
        return new LapsedHolds(holds, credit, log, tenants, metrics, properties.sweepEvery()).start();
    }

    @Bean
    RouteTables routeTables(HttpClient http, Environment environment, Clock clock, LlmRouterProperties properties) {
        return new RouteTables(http, environment::getProperty, clock, new Route.Caching(properties.cache(), 0, false));
    }

    @Bean
    Supplier<RouteTable> routes(LlmRouterProperties properties, RouteTables tables, MeterRegistry registry) {
        if (properties.routes().isBlank()) {
            RouteTable table = tables.ofEnvironment();
            return () -> table;
        }
        Path file = Path.of(properties.routes());
        LiveRoutes routes = new LiveRoutes(file, text -> tables.of(RoutesFile.parse(file.toString(), text))).start();
        Gauge.builder("agentserver.llm.routes.refused", routes, live -> live.isRefused() ? 1 : 0)
                .description("1 while the routes file is wrong and an earlier one serves")
                .register(registry);
        return routes;
    }

    @Bean
    TenantRoutes tenantRoutes(Supplier<RouteTable> routes, TenantDirectory directory, TenantKeys keys) {
        TenantRoutes tenants = new TenantRoutes(routes, directory::find, new KeyOpener(keys));
        directory.onChange(tenants::changed);
        directory.onRemoval(tenants::forget);
        return tenants;
    }

    @Bean
    DynamoOnDemand tenantKeys(PlatformKeys platform, LlmRouterProperties properties, Clock clock) {
        return new DynamoOnDemand(properties.dynamodbUrl(), dynamo -> new DynamoTenantKeys(dynamo, platform, clock));
    }

    @Bean(destroyMethod = "shutdownNow") // close() would wait for every answer that still runs
    HttpClient http() {
        return HttpClient.newBuilder()
                .connectTimeout(CONNECT)
                .followRedirects(HttpClient.Redirect.NEVER)
                .executor(Executors.newVirtualThreadPerTaskExecutor())
                .build();
    }

    @Bean
    Settlement settlement(KafkaUsageLog log, RouterMetrics metrics, Clock clock) {
        return new Settlement(log, new TokenCounter(), metrics, clock);
    }

    @Bean
    Brokers brokers(LlmRouterProperties properties) {
        return Brokers.of(properties.kafka(), properties.kafkaProperties());
    }

    @Bean
    KafkaUsageLog usageLog(Brokers brokers, LlmRouterProperties properties, MeterRegistry registry) {
        KafkaUsageTopic.ensure(brokers, properties.kafkaReplication(), properties.startPatience());
        KafkaUsageLog log = new KafkaUsageLog(brokers, properties.usagePatience());
        Gauge.builder("agentserver.llm.usage.waiting", log, KafkaUsageLog::waiting)
                .description("usage records that the log has not taken yet")
                .register(registry);
        return log;
    }

    @Bean
    RouterMetrics routerMetrics(MeterRegistry registry, TenantCounters counters, Supplier<RouteTable> routes) {
        return new RouterMetrics(
                registry, counters, (provider, model) -> routes.get().isListed(provider, model));
    }

    @Bean
    TenantCounters tenantCounters(MeterRegistry registry, @Value("${agentserver.metrics.tenants}") int tenants) {
        return new TenantCounters(registry, tenants);
    }

    /** Ready: usage can be recorded and the tenants are known. Redis and single providers can be done without. */
    @Bean
    HealthIndicator routing(KafkaUsageLog log, TenantDirectory directory) {
        return () -> (log.isOpen() && directory.isCaughtUp() ? Health.up() : Health.outOfService())
                .withDetail("usageLog", log.isOpen())
                .withDetail("tenants", directory.isCaughtUp())
                .build();
    }
}
