package io.agentserver.buffer;

import io.agentserver.buffer.backup.Backup;
import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.HotStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.ListedThreadStore;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantBytes;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.TieredTenantErasure;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoDueStore;
import io.agentserver.buffer.store.dynamo.DynamoTenantErasure;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.LeaseScript;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisDueStore;
import io.agentserver.buffer.store.redis.RedisTenantBytes;
import io.agentserver.buffer.store.redis.RedisTenantErasure;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.lettuce.core.RedisException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/** Opens the stores that the settings name. One that cannot be reached stops the start with a line that says so. */
final class StoreFactory {
    private static final String DUE = "due";
    private static final String PRUNE = "prune";
    private static final String BACKUP = "backup";

    private final BufferProperties properties;
    private final Retention retention;
    private final Clock clock;

    StoreFactory(BufferProperties properties, Retention retention, Clock clock) {
        this.properties = properties;
        this.retention = retention;
        this.clock = clock;
    }

    Stores open() {
        return switch (properties.mode()) {
            case MEMORY -> {
                MemoryThreadStore threads = new MemoryThreadStore(retention, clock);
                MemoryDueStore due = new MemoryDueStore();
                MemoryTenantErasure erasure = new MemoryTenantErasure(threads, due, clock);
                yield new Stores(
                        threads,
                        due,
                        Leases.NOBODY_ELSE,
                        new MemoryDueStore(),
                        Leases.NOBODY_ELSE,
                        new MemoryTenantBytes(retention, clock),
                        erasure,
                        backup(threads, new MemoryDueStore(), Leases.NOBODY_ELSE, erasure));
            }
            case REDIS -> {
                RedisConnections redis = redis();
                HotStore threads = threads(redis);
                RedisTenantErasure erasure = new RedisTenantErasure(redis, clock);
                yield new Stores(
                        threads,
                        new RedisDueStore(redis, DUE),
                        new LeaseScript(redis, DUE),
                        new RedisDueStore(redis, PRUNE),
                        new LeaseScript(redis, PRUNE),
                        new RedisTenantBytes(redis, retention, clock),
                        erasure,
                        backup(threads, new RedisDueStore(redis, BACKUP), new LeaseScript(redis, BACKUP), erasure));
            }
            case TIERED -> tiered(redis());
        };
    }

    private Stores tiered(RedisConnections redis) {
        try {
            DynamoDbClient dynamo = dynamo();
            ListedThreadStore durable = new ListedThreadStore(new DynamoThreadStore(dynamo, retention, clock));
            HotStore hot = threads(redis);
            hot.onAppend(durable);
            TenantErasure erasure = new TieredTenantErasure(
                    new DynamoTenantErasure(dynamo, clock), new RedisTenantErasure(redis, clock));
            return new Stores(
                    new TieredThreadStore(durable, hot, breaker()),
                    new DynamoDueStore(dynamo, DUE),
                    new LeaseScript(redis, DUE),
                    new RedisDueStore(redis, PRUNE),
                    new LeaseScript(redis, PRUNE),
                    new RedisTenantBytes(redis, retention, clock),
                    erasure,
                    backup(durable, new DynamoDueStore(dynamo, BACKUP), new LeaseScript(redis, BACKUP), erasure));
        } catch (SdkException | StoreUnavailableException e) {
            redis.close();
            throw new ConfigurationException(
                    Setting.AGENTSERVER_DYNAMODB_URL + "=" + properties.dynamodbUrl()
                            + " cannot be used (" + e.getMessage()
                            + "): start that DynamoDB, name another, or check region and credentials",
                    e);
        } catch (RuntimeException e) {
            redis.close();
            throw e;
        }
    }

    /** A bucket that is away is waited for: conversations do not need it. */
    private Optional<Backup> backup(ThreadStore whole, DueStore index, Leases leases, TenantErasure erasure) {
        BackupProperties its = properties.backup();
        if (!its.isSet()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Backup(
                    S3BackupBucket.open(its.s3Url(), its.region(), its.bucket()),
                    its.names(),
                    whole,
                    index,
                    leases,
                    erasure,
                    its.times(),
                    clock));
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BACKUP_BUCKET + "=" + its.bucket() + " cannot be used: set AWS_REGION or "
                            + Setting.AGENTSERVER_BACKUP_REGION + ", and " + Setting.AGENTSERVER_S3_URL
                            + " to http://host:port or to nothing",
                    e);
        }
    }

    private HotStore threads(RedisConnections redis) {
        return new RedisThreadStore(redis, retention, clock);
    }

    private RedisConnections redis() {
        try {
            return RedisConnections.open(properties.redisUrl());
        } catch (RedisException | StoreUnavailableException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_REDIS_URL + "=" + withoutPassword(properties.redisUrl())
                            + " cannot be reached: start that Redis or name another",
                    e);
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_REDIS_URL + "=" + withoutPassword(properties.redisUrl())
                            + " is no address: set redis://host:port",
                    e);
        }
    }

    private static String withoutPassword(String urls) {
        return urls.replaceAll("//[^/,]*@", "//…@");
    }

    private DynamoDbClient dynamo() {
        try {
            return DynamoConnection.open(properties.dynamodbUrl());
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_DYNAMODB_URL + "=" + properties.dynamodbUrl()
                            + " is no address: set http://host:port, or nothing for the region's own",
                    e);
        }
    }

    private static CircuitBreaker breaker() {
        return CircuitBreaker.of(
                "redis",
                CircuitBreakerConfig.custom()
                        // a value that is no commit is one conversation's trouble
                        .recordExceptions(StoreUnavailableException.class)
                        .slidingWindowSize(20)
                        .minimumNumberOfCalls(5)
                        .failureRateThreshold(50)
                        .slowCallDurationThreshold(Duration.ofMillis(500))
                        .slowCallRateThreshold(80)
                        .waitDurationInOpenState(Duration.ofSeconds(2))
                        .permittedNumberOfCallsInHalfOpenState(3)
                        .build());
    }
}
