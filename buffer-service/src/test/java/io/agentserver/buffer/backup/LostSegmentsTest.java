package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.localstores.LocalS3;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

import static io.agentserver.buffer.backup.Commits.ACME;
import static org.assertj.core.api.Assertions.assertThat;

/** Restoring from a bucket that has lost something. */
class LostSegmentsTest {
    private static final Duration PERIOD = Duration.ofMinutes(10);
    private static final Duration KEPT = Duration.ofDays(30);
    private static final Retention RETENTION = Retention.ofAll(Duration.ofHours(24));
    private static final Retention LONGER = Retention.ofAll(Duration.ofDays(60));

    @SuppressWarnings("NullAway.Init")
    private static LocalS3 server;

    private final MovedClock clock = new MovedClock();
    private final MemoryThreadStore store = new MemoryThreadStore(LONGER, clock);
    private final MemoryTenantErasure deleted = new MemoryTenantErasure(store, new MemoryDueStore());
    private final BackupNames names = new BackupNames("l/" + UUID.randomUUID() + "/");
    private final BackupBucket bucket = new ClockedBucket(S3BackupBucket.open(server.url(), "", "backups"), clock);
    private final Backup backup = new Backup(
            bucket,
            names,
            store,
            new MemoryDueStore(),
            Leases.NOBODY_ELSE,
            deleted,
            new BackupTimes(PERIOD, KEPT),
            clock);
    private final ThreadStore journalled = backup.over(store);
    private final ConversationKey key = Commits.conversation(ACME);

    @BeforeAll
    static void start(@TempDir Path directory) {
        server = LocalS3.start(directory.resolve("s3"), "backups");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @CsvSource({"0, 4", "1, 2", "2, 5"})
    void a_restore_brings_back_what_it_can_and_says_what_was_lost(int which, int slots) {
        sayInThreeSegments();
        String object = lose(which);
        store.close();
        for (int time = 0; time < 2; time++) {
            assertThat(restored(RETENTION))
                    .isEqualTo(Restore.Result.incomplete(time == 0 ? slots : 0, "the object " + object));
        }
    }

    @Test
    void one_of_which_all_was_lost_is_told_too() {
        sayInThreeSegments();
        lose(2);
        lose(1);
        String object = lose(0);
        store.close();
        Restore restore = backup.restore(store, _ -> {}, RETENTION);
        assertThat(restore.conversations(ACME)).containsExactly(key);
        Restore.Result lost = new Restore.Result(Restore.Outcome.UNKNOWN, 0, "the object " + object, true);
        assertThat(restore.conversation(key)).isEqualTo(lost);
        assertThat(restored(RETENTION)).as("alone").isEqualTo(lost);
        clock.move(Duration.ofHours(25));
        assertThat(restored(RETENTION))
                .as("when nobody could read it any more")
                .isEqualTo(new Restore.Result(Restore.Outcome.UNKNOWN, 0, "the object " + object, false));
    }

    @Test
    void what_was_lost_of_an_expired_one_is_told_and_no_loss() {
        sayInTwoSegments(Duration.ofHours(4));
        clock.move(Duration.ofHours(36));
        String object = lose(0);
        store.close();
        assertThat(restored(RETENTION))
                .isEqualTo(new Restore.Result(Restore.Outcome.EXPIRED, 0, "the object " + object, false));
    }

    @Test
    void one_whose_readable_end_was_lost_is_a_loss_and_a_longer_retention_brings_the_rest() {
        sayInTwoSegments(Duration.ofHours(26));
        clock.move(Duration.ofHours(10));
        String object = lose(1);
        store.close();
        assertThat(restored(RETENTION))
                .isEqualTo(new Restore.Result(Restore.Outcome.EXPIRED, 0, "the object " + object, true));
        assertThat(restored(LONGER)).isEqualTo(Restore.Result.incomplete(3, "the object " + object));
    }

    @Test
    void a_hole_is_told_where_no_manifest_does() {
        sayInThreeSegments();
        lose(1);
        bucket.deleteSome(names.manifests(ACME));
        store.close();
        for (int time = 0; time < 2; time++) {
            assertThat(restored(RETENTION)).isEqualTo(Restore.Result.incomplete(time == 0 ? 2 : 0, "commits before 6"));
        }
    }

    @Test
    void what_the_journal_has_is_not_lost() {
        sayInThreeSegments();
        lose(1);
        assertThat(restored(RETENTION).outcome()).isEqualTo(Restore.Outcome.THERE);
    }

    @Test
    void what_was_erased_is_not_lost() {
        sayInThreeSegments();
        Commit erasure = Commits.erasure(8, clock.millis());
        assertThat(journalled.append(key, erasure, clock.millis())).isTrue();
        assertThat(journalled.erase(key, erasure)).isTrue();
        store.close();
        assertThat(restored(RETENTION).outcome()).isEqualTo(Restore.Outcome.ERASED);
    }

    @Test
    void what_has_become_too_old_is_not_lost() {
        sayInThreeSegments();
        clock.move(KEPT.minus(Duration.ofMinutes(15)));
        new BackupExpiry(bucket, names, deleted, new BackupTimes(PERIOD, KEPT), new BackupProgress(), clock).sweep();
        assertThat(segments()).hasSize(2);
        store.close();
        assertThat(restored(LONGER)).isEqualTo(new Restore.Result(Restore.Outcome.RESTORED, 4));
    }

    @Test
    void what_was_named_again_days_later_goes_with_the_first_manifest_and_is_not_lost() {
        long atMs = clock.millis();
        Commits.say(journalled, key, 0, 3, atMs);
        saved();
        clock.move(Duration.ofDays(5));
        List<Manifest.Named> again =
                new ConversationBackups(bucket, names, store).save(key, atMs).named();
        assertThat(again).hasSize(1);
        long againMs = clock.millis();
        byte[] manifest = new Manifest(Manifest.VERSION, "acme", 0, "again", againMs, again).toJson();
        bucket.put(names.manifest(ACME, againMs, 0, "again"), manifest, Sha256.hex(manifest));
        assertThat(lostNames()).isEmpty();
        String lost = lose(0);
        assertThat(lostNames()).as("before it is too old").containsExactly(key.conversation() + "/" + lost);
        clock.move(KEPT.minusDays(4));
        new BackupExpiry(bucket, names, deleted, new BackupTimes(PERIOD, KEPT), new BackupProgress(), clock).sweep();
        assertThat(lostNames()).as("after").isEmpty();
    }

    @Test
    void an_earlier_versions_manifest_can_be_read() {
        String json = "{'version':1,'tenant':'acme','shard':3,'run':'r','at_ms':5,"
                + "'objects':[{'name':'a/b','bytes':7,'sha256':'c'}]}";
        assertThat(Manifest.ofJson("m", json.replace('\'', '"').getBytes(StandardCharsets.UTF_8))
                        .objects())
                .containsExactly(new Manifest.Named("a/b", 7, "c"));
    }

    @Test
    void what_nobody_could_read_any_more_is_not_lost() {
        sayInThreeSegments();
        lose(1);
        clock.move(Duration.ofDays(3));
        Commits.say(journalled, key, 7, 1, clock.millis());
        saved();
        store.close();
        assertThat(restored(RETENTION)).isEqualTo(new Restore.Result(Restore.Outcome.RESTORED, 1));
    }

    @Test
    void what_was_put_since_the_names_were_listed_is_not_lost() {
        sayInThreeSegments();
        LostObjects objects = new LostObjects(new ConversationBackups(bucket, names, store), bucket, names);
        assertThat(objects.of(ACME, new NameSet(), 0, broken -> {
                    throw new AssertionError(broken);
                }))
                .isEmpty();
    }

    @Test
    void conversations_of_which_much_was_lost_are_looked_at_once_each_and_several_at_once() {
        sayInThreeSegments();
        ConversationKey other = Commits.conversation(ACME);
        Commits.say(journalled, other, 0, 1, clock.millis());
        saved();
        bucket.deleteSome(names.conversations(ACME));
        List<String> looks = new CopyOnWriteArrayList<>();
        CountDownLatch both = new CountDownLatch(2);
        BackupBucket watched = new StoppedBucket(bucket) {
            @Override
            public void each(String prefix, Predicate<Listed> goesOn) {
                if (prefix.startsWith(names.conversations(ACME))) {
                    looks.add(prefix);
                    both.countDown();
                    try {
                        assertThat(both.await(10, TimeUnit.SECONDS)).isTrue();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }
                super.each(prefix, goesOn);
            }
        };
        LostObjects objects = new LostObjects(new ConversationBackups(watched, names, store), watched, names);
        assertThat(objects.of(ACME, new NameSet(), 0, broken -> {
                    throw new AssertionError(broken);
                }))
                .hasSize(4);
        assertThat(looks).containsExactlyInAnyOrder(names.conversation(key), names.conversation(other));
    }

    @Test
    void all_names_of_many_are_found_again() {
        NameSet set = new NameSet();
        List<String> all = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            all.add(UUID.randomUUID().toString());
        }
        all.forEach(set::add);
        assertThat(all).allMatch(set::contains);
        assertThat(set.contains("another")).isFalse();
    }

    private void sayInTwoSegments(Duration apart) {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        clock.move(apart);
        Commits.say(journalled, key, 3, 2, clock.millis());
        saved();
        assertThat(segments()).hasSize(2);
    }

    private void sayInThreeSegments() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        Commits.say(journalled, key, 3, 2, clock.millis());
        saved();
        Commits.say(journalled, key, 5, 2, clock.millis());
        saved();
        assertThat(segments()).hasSize(3);
        assertThat(store.read(key, 1, Look.CONSISTENT)).hasSize(7);
    }

    private void saved() {
        clock.move(PERIOD.plusMinutes(1));
        backup.runs().runAll();
    }

    private String lose(int which) {
        SegmentName name = segments().get(which);
        bucket.delete(List.of(names.segment(key, name)));
        return name.text();
    }

    private Set<String> lostNames() {
        NameSet there = new NameSet();
        segments().forEach(name -> there.add(key.conversation() + "/" + name.text()));
        long sinceMs = new BackupTimes(PERIOD, KEPT).oldestNamedMs(clock.millis());
        return new LostObjects(new ConversationBackups(bucket, names, store), bucket, names)
                .of(ACME, there, sinceMs, broken -> {
                    throw new AssertionError(broken);
                })
                .keySet();
    }

    private Restore.Result restored(Retention retention) {
        return backup.restore(store, _ -> {}, retention).conversation(key);
    }

    private List<SegmentName> segments() {
        return new ConversationBackups(bucket, names, store)
                .contents(key).segments().stream().map(Contents.Segment::name).toList();
    }
}
