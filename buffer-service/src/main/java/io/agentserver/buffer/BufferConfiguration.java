package io.agentserver.buffer;

import io.agentserver.buffer.grpc.BufferEndpoint;
import io.agentserver.buffer.grpc.BufferServer;
import io.agentserver.buffer.grpc.ForgottenBackups;
import io.agentserver.buffer.grpc.TracingInterceptor;
import io.agentserver.buffer.journal.ConversationJournal;
import io.agentserver.buffer.journal.ConversationReader;
import io.agentserver.buffer.journal.DeletedTenants;
import io.agentserver.buffer.journal.DueIndex;
import io.agentserver.buffer.journal.FreeingThreads;
import io.agentserver.buffer.journal.LateWrites;
import io.agentserver.buffer.journal.LaterSweeps;
import io.agentserver.buffer.journal.MissedWakeups;
import io.agentserver.buffer.journal.Pruner;
import io.agentserver.buffer.journal.Wakeups;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.EvenClock;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.metrics.TenantGauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.net.InetSocketAddress;
import java.time.Clock;
import java.util.Map;

/** The buffer's map: gRPC server → endpoint → journal → store. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(BufferProperties.class)
class BufferConfiguration {
    private static final TenantGauge.Meaning SLOTS = new TenantGauge.Meaning(
            "agentserver.buffer.slots",
            "slots that this process has journalled and that are still kept",
            null,
            true,
            Double::sum);

    private static final TenantGauge.Meaning BYTES = new TenantGauge.Meaning(
            "agentserver.buffer.bytes",
            "bytes that this process has journalled and that are still kept",
            null,
            true,
            Double::sum);

    @Bean
    EvenClock clock() {
        return new EvenClock();
    }

    @Bean
    TenantRetention retention(BufferProperties properties) {
        return TenantRetention.open(properties);
    }

    @Bean
    Stores stores(BufferProperties properties, TenantRetention retention, Clock clock) {
        return new StoreFactory(properties, retention, clock).open();
    }

    @Bean(destroyMethod = "close")
    ThreadStore threadStore(Stores stores) {
        return stores.threads();
    }

    @Bean(destroyMethod = "close")
    Wakeups wakeups(ThreadStore store) {
        Wakeups wakeups = new Wakeups();
        store.onAppend(wakeups);
        return wakeups;
    }

    @Bean
    MissedWakeups missedWakeups(ThreadStore store, Wakeups wakeups) {
        return new MissedWakeups(store, wakeups).start();
    }

    @Bean
    LateWrites lateWrites() {
        return new LateWrites();
    }

    @Bean
    FreeingThreads freeingThreads() {
        return new FreeingThreads();
    }

    @Bean
    ConversationJournal journal(
            Stores stores,
            LateWrites late,
            FreeingThreads freeing,
            Wakeups wakeups,
            TenantRetention retention,
            BufferProperties properties,
            Clock clock) {
        return new ConversationJournal(
                late.over(stores.journalled()),
                stores.due(),
                wakeups,
                retention,
                properties.cacheBytes(),
                properties.limits(),
                stores.tenantBytes(),
                freeing::execute,
                clock);
    }

    @Bean
    DeletedTenants deletedTenants(Stores stores, LateWrites late, ConversationJournal journal, Wakeups wakeups) {
        return new DeletedTenants(stores.erasure(), late, tenant -> {
                    journal.forget(tenant);
                    stores.tenantBytes().forget(tenant);
                    wakeups.wake(tenant);
                })
                .start();
    }

    @Bean
    DueIndex dueIndex(Stores stores, ConversationJournal journal, DeletedTenants deleted, Clock clock) {
        return new DueIndex(stores.due(), stores.leases(), journal, deleted, clock);
    }

    @Bean
    Pruner pruner(
            Stores stores,
            ConversationJournal journal,
            TenantRetention retention,
            BufferProperties properties,
            Clock clock) {
        Pruner pruner = new Pruner(
                journal,
                stores.threads(),
                properties.mode() == StoreMode.TIERED,
                stores.prunes(),
                stores.sweeps(),
                retention,
                clock);
        if (properties.mode() != StoreMode.MEMORY) {
            journal.onClosing(pruner);
        }
        if (stores.threads() instanceof TieredThreadStore tiered) {
            tiered.onRefill(pruner::refilled);
        }
        return pruner;
    }

    @Bean
    PruneLoop pruneLoop(Pruner pruner) {
        return new PruneLoop(pruner).start();
    }

    /** Of shard 0's owner, who is as good as any other. */
    @Bean
    SweepLoop sweepLoop(Stores stores, Pruner pruner, Clock clock) {
        return new SweepLoop(new LaterSweeps(stores.erasure(), clock), () -> pruner.has(0)).start();
    }

    @Bean
    BackupLoop backupLoop(Stores stores) {
        return new BackupLoop(stores.backup()).start();
    }

    @Bean
    MeterBinder backupMeters(Stores stores) {
        return meters -> stores.backup().ifPresent(backup -> new BackupMeters(backup.progress()).bindTo(meters));
    }

    @Bean
    ConversationReader reader(ConversationJournal journal, ThreadStore store, Wakeups wakeups) {
        return new ConversationReader(journal, store, wakeups);
    }

    @Bean
    BufferEndpoint endpoint(
            ConversationJournal journal,
            ConversationReader reader,
            DueIndex due,
            Pruner pruner,
            DeletedTenants deleted,
            Stores stores,
            Wakeups wakeups,
            MeterRegistry meters,
            Clock clock) {
        return new BufferEndpoint(
                journal,
                reader,
                due,
                pruner,
                deleted,
                new ForgottenBackups(journal, deleted, stores.backups(), clock),
                wakeups,
                meters);
    }

    @Bean
    BufferServer server(
            BufferEndpoint endpoint,
            Wakeups wakeups,
            BufferProperties properties,
            Tracer tracer,
            ObjectProvider<Propagator> propagator,
            Clock clock) {
        return new BufferServer(
                new InetSocketAddress(properties.bind(), properties.port()),
                endpoint,
                new ServiceTokens(keys(properties), clock),
                TracingInterceptor.of(tracer, propagator.getIfAvailable()),
                wakeups);
    }

    /** Starts gRPC when all else is there, and stops it before anything else goes. */
    @Bean
    SmartLifecycle serverLifecycle(BufferServer server) {
        return new SmartLifecycle() {
            @Override
            public void start() {
                server.start();
            }

            @Override
            public void stop() {
                server.stop();
            }

            @Override
            public boolean isRunning() {
                return server.isRunning();
            }
        };
    }

    @Bean
    HealthIndicator storeHealthIndicator(ThreadStore store) {
        return () -> {
            try {
                store.check();
                return Health.up().build();
            } catch (StoreUnavailableException e) {
                return Health.outOfService()
                        .withDetail("reason", String.valueOf(e.getMessage()))
                        .build();
            }
        };
    }

    /** Until it is known how long whose conversations are kept nothing is read and nothing written. */
    @Bean
    HealthIndicator tenantsHealthIndicator(TenantRetention retention) {
        return () -> (retention.isKnown() ? Health.up() : Health.outOfService()).build();
    }

    @Bean
    MeterBinder storeMeters(ThreadStore store, Pruner pruner, ConversationJournal journal) {
        return new StoreMeters(store, pruner, journal.kept());
    }

    @Bean
    SlotCount slotCount(
            Stores stores,
            ConversationJournal journal,
            MeterRegistry meters,
            @Value("${agentserver.metrics.tenants}") int tenants) {
        return new SlotCount(
                        stores.tenantBytes(),
                        Map.of(
                                new TenantGauge(meters, tenants, SLOTS), journal.kept()::slotsByTenant,
                                new TenantGauge(meters, tenants, BYTES), journal.kept()::bytesByTenant))
                .start();
    }

    private static PlatformKeys keys(BufferProperties properties) {
        try {
            return PlatformKeys.load(properties.platformKeyFile());
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(String.valueOf(e.getMessage()), e);
        }
    }
}
