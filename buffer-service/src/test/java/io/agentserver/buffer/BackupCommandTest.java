package io.agentserver.buffer;

import io.agentserver.buffer.backup.Backup;
import io.agentserver.buffer.backup.BackupBucket;
import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.localstores.LocalS3;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** The operator's commands, where Redis is the only store. */
class BackupCommandTest {
    private static final byte[] TORN = "{".getBytes(StandardCharsets.UTF_8);

    @SuppressWarnings("NullAway.Init")
    private static LocalRedis redis;

    @SuppressWarnings("NullAway.Init")
    private static LocalS3 s3;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @BeforeAll
    static void start(@TempDir Path directory) {
        redis = LocalRedis.start(directory.resolve("redis"), 0);
        s3 = LocalS3.start(directory.resolve("s3"), "backups");
    }

    @AfterAll
    static void stop() {
        s3.close();
        redis.close();
    }

    @Test
    void backs_up_what_was_there_before_and_brings_it_back_after_a_loss() {
        ConversationKey first = conversation("acme");
        ConversationKey second = conversation("other-org");
        try (var threads = stores().threads()) {
            threads.append(first, commit(1), 0);
            threads.append(first, commit(2), 0);
            threads.append(second, commit(1), 0);
        }
        assertThat(run("all")).isZero();
        assertThat(said()).contains("noted: 2 conversations");
        Stores stores = stores();
        List<Commit> before;
        try (var threads = stores.threads();
                Backup backup = stores.backup().orElseThrow()) {
            backup.runs().runAll();
            before = threads.read(first, 1, Look.CONSISTENT);
        }
        assertThat(run("drill")).as(said()).isZero();
        assertThat(said()).contains("compared: 2 conversations, 3 slots").endsWith("equal\n");

        flushRedis();
        assertThat(run("drill", "acme")).isEqualTo(1);
        assertThat(said())
                .contains(first + " is in the backup, and not in the journal")
                .doesNotContain("other-org");
        assertThat(run("restore", "acme", first.conversation().toString())).isZero();
        assertThat(said()).contains("restored: 1\n", "slots restored: 2 in ");
        assertThat(run("restore", "--all")).isZero();
        assertThat(said()).contains("restored: 1\n", "there: 1\n");
        assertThat(run("drill")).as(said()).isZero();
        Stores again = stores();
        try (var threads = again.threads()) {
            assertThat(threads.read(first, 1, Look.CONSISTENT)).isEqualTo(before);
        }
    }

    @Test
    void what_the_bucket_has_lost_is_told_and_no_success() {
        ConversationKey key = conversation("losing");
        Stores stores = stores();
        try (var threads = stores.threads();
                Backup backup = stores.backup().orElseThrow();
                BackupBucket bucket = S3BackupBucket.open(s3.url(), "", "backups")) {
            threads.append(key, commit(1), 0);
            backup.note(key);
            backup.runs().runAll();
            assertThat(bucket.deleteSome("agentserver/tenants/losing/conversations/"))
                    .isEqualTo(1);
        }
        flushRedis();
        assertThat(run("restore", "losing")).isEqualTo(1);
        assertThat(said())
                .contains(key + " lacks in the backup the object ", "nothing of it is left there\n", "unknown: 1\n");
        assertThat(run("restore", "losing", key.conversation().toString())).isEqualTo(1);
        try (BackupBucket bucket = S3BackupBucket.open(s3.url(), "", "backups")) {
            bucket.deleteSome("agentserver/tenants/losing/"); // which restores and drills of all would tell of
        }
    }

    @Test
    void a_manifest_that_cannot_be_read_is_told_and_no_success() {
        ConversationKey key = conversation("unread");
        String folder = "agentserver/tenants/unread/";
        Stores stores = stores();
        try (var threads = stores.threads();
                Backup backup = stores.backup().orElseThrow();
                BackupBucket bucket = S3BackupBucket.open(s3.url(), "", "backups")) {
            threads.append(key, commit(1), 0);
            backup.note(key);
            backup.runs().runAll();
            List<String> manifests = new ArrayList<>();
            bucket.each(folder + "manifests/", manifest -> manifests.add(manifest.key()));
            bucket.put(manifests.getFirst(), TORN, sha256(TORN));
            String told = "manifest " + manifests.getFirst() + " cannot be read; what it alone names may be lost\n";
            flushRedis();
            assertThat(run("restore", "unread")).isEqualTo(1);
            assertThat(said()).containsOnlyOnce(told).contains("restored: 1\n");
            assertThat(run("restore", "unread", key.conversation().toString())).isEqualTo(1);
            assertThat(said()).containsOnlyOnce(told).contains("there: 1\n");
            bucket.deleteSome(folder + "conversations/");
            assertThat(run("restore", "unread")).isEqualTo(2);
            assertThat(said()).containsOnlyOnce(told).contains("nothing of unread is in the backup");
            bucket.deleteSome(folder);
            flushRedis();
        }
    }

    @Test
    void one_of_whom_only_a_manifest_is_left_holds_up_no_other() {
        ConversationKey key = conversation("next");
        String empty = "agentserver/tenants/a-first-one/";
        Stores stores = stores();
        try (var threads = stores.threads();
                Backup backup = stores.backup().orElseThrow();
                BackupBucket bucket = S3BackupBucket.open(s3.url(), "", "backups")) {
            threads.append(key, commit(1), 0);
            backup.note(key);
            backup.runs().runAll();
            bucket.put(empty + "manifests/torn", TORN, sha256(TORN));
            flushRedis();
            assertThat(run("restore", "--all")).isEqualTo(1);
            assertThat(said()).contains("restored: 1\n", empty + "manifests/torn cannot be read");
            bucket.deleteSome(empty); // or others' drills and restores of all would tell of both
            bucket.deleteSome("agentserver/tenants/next/");
            flushRedis();
        }
    }

    @Test
    void what_can_be_read_for_longer_than_backups_are_kept_is_refused() {
        Map<String, String> environment = new HashMap<>(environment());
        environment.put("AGENTSERVER_BUFFER_TTL", "60d");
        assertThat(BackupCommand.run(List.of("drill"), environment, print(out), print(err)))
                .isEqualTo(2);
        assertThat(err.toString(StandardCharsets.UTF_8))
                .contains("AGENTSERVER_BACKUP_KEPT=PT720H is too short")
                .contains("set at least PT1464H1S");
        environment.put("AGENTSERVER_BACKUP_KEPT", "62d");
        assertThat(BufferProperties.of(environment).backup().kept()).isEqualTo(Duration.ofDays(62));
    }

    @Test
    void a_name_of_nobody_is_no_success() {
        assertThat(run("drill", "nobody")).isEqualTo(2);
        assertThat(said()).contains("nothing of nobody is in the backup, nor in the journal");
        assertThat(run("drill", "acme", MessageId.create().toString())).isEqualTo(2);
        assertThat(run("restore", "nobody")).isEqualTo(2);
        assertThat(run("restore", "acme", MessageId.create().toString())).isEqualTo(1);
        assertThat(said()).contains("unknown: 1");
    }

    @Test
    void says_in_one_line_what_it_cannot_do() {
        for (String[] words : List.of(
                new String[] {}, new String[] {"restore"}, new String[] {"drill", "a", "b", "c"}, new String[] {"go"
                })) {
            assertThat(run(words)).isEqualTo(2);
            assertThat(err.toString(StandardCharsets.UTF_8)).contains("known: backup drill [<tenant>");
        }
        assertThat(BackupCommand.run(
                        List.of("drill"), Map.of("AGENTSERVER_BUFFER_STORE", "memory"), print(out), print(err)))
                .isEqualTo(2);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("AGENTSERVER_BACKUP_BUCKET is not set");
    }

    private int run(String... words) {
        out.reset();
        return BackupCommand.run(List.of(words), environment(), print(out), print(err));
    }

    private String said() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private static PrintStream print(ByteArrayOutputStream to) {
        return new PrintStream(to, true, StandardCharsets.UTF_8);
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static Map<String, String> environment() {
        return Map.of(
                "AGENTSERVER_BUFFER_STORE", "redis",
                "AGENTSERVER_REDIS_URL", redis.url(),
                "AGENTSERVER_BACKUP_BUCKET", "backups",
                "AGENTSERVER_BACKUP_PREFIX", "agentserver/",
                "AGENTSERVER_BACKUP_PERIOD", "1s",
                "AGENTSERVER_S3_URL", s3.url());
    }

    private static Stores stores() {
        return new StoreFactory(
                        BufferProperties.of(environment()), Retention.ofAll(Duration.ofHours(24)), Clock.systemUTC())
                .open();
    }

    private static void flushRedis() {
        RedisClient client = RedisClient.create(redis.url());
        try (StatefulRedisConnection<String, String> connection = client.connect()) {
            connection.sync().flushall();
        } finally {
            client.shutdown();
        }
    }

    private static ConversationKey conversation(String tenant) {
        return new ConversationKey(
                new TenantId(tenant), ThreadId.parse(MessageId.create().toString()));
    }

    private static Commit commit(long number) {
        long now = System.currentTimeMillis();
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(now)
                .setSequenceBefore(number - 1)
                .addChanges(Change.newBuilder()
                        .setEntry(Entry.newBuilder()
                                .setSlot(Slot.newBuilder()
                                        .setSequence(number)
                                        .setAtMs(now)
                                        .setMessage(MessageId.create().toString())
                                        .setThread(MessageId.create().toString())
                                        .setEnvelope("<said>words</said>"))))
                .build();
    }
}
