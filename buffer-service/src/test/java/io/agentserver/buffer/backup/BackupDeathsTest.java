package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoDueStore;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.localstores.ChildJvm;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalS3;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

import static io.agentserver.buffer.backup.Commits.ACME;
import static org.assertj.core.api.Assertions.assertThat;

/** kill -9 before each step of a backup and of a restore: whoever comes next goes on, and nothing is lost or left over. */
class BackupDeathsTest {
    private static final String BUCKET = "backups";
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final LocalS3 s3;
    private final BackupBucket bucket;
    private LocalDynamo dynamo = LocalDynamo.inMemory(0);
    private DynamoDbClient client = DynamoConnection.open(dynamo.endpoint().toString());
    private ThreadStore store = new DynamoThreadStore(client, Retention.ofAll(DyingBackup.TTL), Clock.systemUTC());
    private DynamoDueStore index = new DynamoDueStore(client, "backup");

    BackupDeathsTest(@TempDir Path directory) {
        s3 = LocalS3.start(directory.resolve("s3"), BUCKET);
        bucket = S3BackupBucket.open(s3.url(), "", BUCKET);
    }

    @AfterEach
    void close() {
        closeStores();
        bucket.close();
        s3.close();
    }

    @Test
    void a_backup_goes_on_where_it_was_killed() {
        Map<ConversationKey, List<Commit>> said = say();
        Set<String> died = new TreeSet<>();
        boolean done = false;
        for (int step = 1; !done; step++) {
            String prefix = "backup-" + step + "/";
            Backup backup = backup(prefix);
            said.keySet().forEach(backup::note);
            done = !dies("backup", prefix, step, died);

            backup.runs().runAll();
            Drill drill = backup.drill(Retention.ofAll(DyingBackup.TTL), line -> {
                throw new AssertionError("killed before step " + prefix + ": " + line);
            });
            drill.tenant(ACME, Set.of());
            assertThat(drill.slots()).as(prefix).isEqualTo(3);
            assertThat(drill.conversations()).as(prefix).isEqualTo(said.size());
            said.keySet()
                    .forEach(key -> assertThat(index.due(
                                    ShardKey.of(key.conversation(), ShardKey.SHARDS), System.currentTimeMillis(), 10))
                            .as("left in the index")
                            .isEmpty());
            assertThat(objects(prefix)).as("what no manifest names").isEqualTo(named(prefix));
        }
        assertThat(died).contains("list", "put", "remove");
    }

    @Test
    void a_restore_goes_on_where_it_was_killed() {
        Map<ConversationKey, List<Commit>> said = say();
        Backup first = backup("restore/");
        said.keySet().forEach(first::note);
        first.runs().runAll();
        Set<String> died = new TreeSet<>();
        boolean done = false;
        for (int step = 1; !done; step++) {
            closeStores();
            dynamo = LocalDynamo.inMemory(0);
            client = DynamoConnection.open(dynamo.endpoint().toString());
            store = new DynamoThreadStore(client, Retention.ofAll(DyingBackup.TTL), Clock.systemUTC());
            index = new DynamoDueStore(client, "backup");
            done = !dies("restore", "restore/", step, died);

            DyingBackup.restoreAll(backup("restore/"), store);
            int at = step;
            said.forEach((key, commits) -> assertThat(store.read(key, 1, Look.CONSISTENT))
                    .as("killed before step " + at)
                    .isEqualTo(commits));
        }
        assertThat(died).contains("list", "get", "append");
    }

    /** False: there are fewer steps, and it came to its end. */
    private boolean dies(String what, String prefix, int step, Set<String> died) {
        try (ChildJvm child = ChildJvm.start(
                DyingBackup.class,
                what,
                s3.url(),
                BUCKET,
                prefix,
                dynamo.endpoint().toString(),
                Integer.toString(step))) {
            String before = child.awaitLine("", PATIENCE);
            while (!before.startsWith("before ") && !before.equals("done")) {
                before = child.awaitLine("", PATIENCE);
            }
            if (before.equals("done")) {
                return false;
            }
            died.add(before.substring("before ".length()));
            child.kill();
            return true;
        }
    }

    private Map<ConversationKey, List<Commit>> say() {
        Map<ConversationKey, List<Commit>> said = new HashMap<>();
        for (int slots = 1; slots <= 2; slots++) {
            ConversationKey key = Commits.conversation(ACME);
            Commits.say(store, key, 0, slots, System.currentTimeMillis());
            said.put(key, store.read(key, 1, Look.CONSISTENT));
        }
        return said;
    }

    private Backup backup(String prefix) {
        return DyingBackup.backup(bucket, prefix, store, index, client);
    }

    private Set<String> objects(String prefix) {
        Set<String> found = new HashSet<>();
        String folder = prefix + "tenants/acme/conversations/";
        bucket.each(folder, object -> {
            found.add(object.key().substring(folder.length()));
            return true;
        });
        return found;
    }

    private Set<String> named(String prefix) {
        Set<String> named = new HashSet<>();
        bucket.each(prefix + "tenants/acme/manifests/", object -> {
            Manifest.ofJson(object.key(), bucket.get(object.key()).orElseThrow())
                    .objects()
                    .forEach(each -> named.add(each.name()));
            return true;
        });
        return named;
    }

    private void closeStores() {
        store.close();
        client.close();
        dynamo.close();
    }
}
