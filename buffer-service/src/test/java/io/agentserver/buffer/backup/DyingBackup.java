package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoDueStore;
import io.agentserver.buffer.store.dynamo.DynamoTenantErasure;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/**
 * A process that backs up or restores all there is, and before the step of a number says so and waits to be killed. A step is a
 * request to the bucket, or what changes a store.
 */
final class DyingBackup {
    static final Duration TTL = Duration.ofHours(24);
    private static final AtomicInteger STEPS = new AtomicInteger();
    private static int last;

    private DyingBackup() {}

    /** {@code backup|restore <S3's url> <bucket> <prefix> <DynamoDB's url> <step>}. */
    public static void main(String[] args) {
        last = Integer.parseInt(args[5]);
        try (DynamoDbClient dynamo = DynamoConnection.open(args[4]);
                ThreadStore store = new Store(new DynamoThreadStore(dynamo, Retention.ofAll(TTL), Clock.systemUTC()));
                Backup backup = backup(
                        new Bucket(S3BackupBucket.open(args[1], "", args[2])),
                        args[3],
                        store,
                        new Index(new DynamoDueStore(dynamo, "backup")),
                        dynamo)) {
            if (args[0].equals("backup")) {
                backup.runs().runAll();
            } else {
                restoreAll(backup, store);
            }
            System.out.println("done");
        }
    }

    static Backup backup(BackupBucket bucket, String prefix, ThreadStore store, DueStore index, DynamoDbClient dynamo) {
        return new Backup(
                bucket,
                new BackupNames(prefix),
                store,
                index,
                Leases.NOBODY_ELSE,
                new DynamoTenantErasure(dynamo),
                new BackupTimes(Duration.ofSeconds(1), Duration.ofDays(1)),
                Clock.systemUTC());
    }

    static void restoreAll(Backup backup, ThreadStore store) {
        Restore restore = backup.restore(store, _ -> {}, Retention.ofAll(TTL));
        backup.tenants().forEach(tenant -> backup.conversations(tenant).forEach(restore::conversation));
    }

    private static void step(String what) {
        if (STEPS.incrementAndGet() == last) {
            System.out.println("before " + what);
            while (true) {
                LockSupport.park();
            }
        }
    }

    private static final class Store extends ForwardingThreadStore {
        Store(ThreadStore store) {
            super(store);
        }

        @Override
        public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
            step("append");
            return super.append(key, commit, previousActivityMs);
        }
    }

    private record Index(DueStore store) implements DueStore {
        @Override
        public void put(DueEntry entry) {
            store.put(entry);
        }

        @Override
        public void remove(DueEntry entry) {
            step("remove");
            store.remove(entry);
        }

        @Override
        public void removeAll(Collection<DueEntry> entries) {
            entries.forEach(this::remove);
        }

        @Override
        public List<DueEntry> due(int shard, long nowMs, int limit) {
            return store.due(shard, nowMs, limit);
        }

        @Override
        public void check() {
            store.check();
        }
    }

    private static final class Bucket extends StoppedBucket {
        Bucket(BackupBucket bucket) {
            super(bucket);
        }

        @Override
        public void put(String key, byte[] content, String sha256) {
            if (!key.contains("/shards/")) { // sixteen times the same
                step("put");
            }
            super.put(key, content, sha256);
        }

        @Override
        public Optional<byte[]> get(String key) {
            if (!key.contains("/shards/")) {
                step("get");
            }
            return super.get(key);
        }

        @Override
        public void each(String prefix, Predicate<Listed> goesOn) {
            step("list");
            super.each(prefix, goesOn);
        }
    }
}
