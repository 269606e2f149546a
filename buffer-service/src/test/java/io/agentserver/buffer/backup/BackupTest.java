package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalS3;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.ChecksumMode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import static io.agentserver.buffer.backup.Commits.ACME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** Backup and restore of journals, over a bucket that speaks S3. */
class BackupTest {
    private static final Duration PERIOD = Duration.ofMinutes(10);
    private static final Duration A_PERIOD_AND_ITS_MARGIN = Duration.ofMinutes(11);
    private static final Duration TTL = Duration.ofHours(24);
    private static final Duration KEPT = Duration.ofDays(30);
    private static final Retention LASTING_LONGER = tenant -> switch (tenant.value()) {
        case "lasting" -> Duration.ofDays(20);
        case "longer-than-backups" -> Duration.ofDays(60);
        default -> TTL;
    };
    private static final String PLAIN = "backups";
    private static final String VERSIONED = "versioned";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private static Path directory;

    @SuppressWarnings("NullAway.Init")
    private static LocalS3 server;

    @SuppressWarnings("NullAway.Init")
    private static S3Client s3;

    private final MovedClock clock = new MovedClock();
    private final MemoryThreadStore store = new MemoryThreadStore(LASTING_LONGER, clock);
    private final MemoryTenantErasure deleted = new MemoryTenantErasure(store, new MemoryDueStore(), clock);
    private final MemoryDueStore index = new MemoryDueStore();
    private final String prefix = "t/" + UUID.randomUUID() + "/";
    private final BackupBucket bucket = new ClockedBucket(S3BackupBucket.open(server.url(), "", PLAIN), clock);
    private final Backup backup = over(bucket);
    private final ThreadStore journalled = backup.over(store);
    private final ConversationKey key = Commits.conversation(ACME);

    @BeforeAll
    static void start() {
        server = LocalS3.start(directory.resolve("s3"), PLAIN + "," + VERSIONED);
        s3 = S3Client.builder()
                .httpClientBuilder(Apache5HttpClient.builder())
                .endpointOverride(URI.create(server.url()))
                .region(Region.US_EAST_1)
                .forcePathStyle(true)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
                .build();
        s3.putBucketVersioning(put ->
                put.bucket(VERSIONED).versioningConfiguration(its -> its.status(BucketVersioningStatus.ENABLED)));
    }

    @AfterAll
    static void stop() {
        s3.close();
        server.close();
    }

    @Test
    void puts_what_has_changed_when_its_period_is_over_and_each_commit_once() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        backup.runs().runAll();
        assertThat(conversations()).as("before its period is over").isEmpty();

        clock.move(A_PERIOD_AND_ITS_MARGIN);
        backup.runs().runAll();
        assertThat(segments()).extracting(SegmentName::first).containsExactly(1L);
        assertThat(segments()).extracting(SegmentName::last).containsExactly(3L);
        assertThat(backup.progress().slots()).isEqualTo(3);

        Commits.say(journalled, key, 3, 2, clock.millis());
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        backup.runs().runAll();
        backup.runs().runAll();
        assertThat(segments()).extracting(SegmentName::first).containsExactly(1L, 4L);
        assertThat(segments()).extracting(SegmentName::last).containsExactly(3L, 5L);
        assertThat(backup.progress().slots()).isEqualTo(5);
        assertThat(index.due(shard(), Long.MAX_VALUE / 1000, 10)).isEmpty();
        assertThat(backup.progress().completeMs(shard()))
                .isBetween(clock.millis() - 2 * A_PERIOD_AND_ITS_MARGIN.toMillis(), clock.millis());
    }

    @Test
    void every_object_is_named_by_a_manifest_with_its_checksum() {
        ConversationKey other = Commits.conversation(new TenantId("other-org"));
        Commits.say(journalled, key, 0, 3, clock.millis());
        Commits.say(journalled, other, 0, 1, clock.millis());
        saved();
        assertThat(manifests("acme")).singleElement().satisfies(manifest -> {
            assertThat(manifest.tenant()).isEqualTo("acme");
            assertThat(manifest.shard()).isEqualTo(shard());
            assertThat(manifest.objects()).singleElement().satisfies(named -> {
                byte[] object = bucket.get(prefix + "tenants/acme/conversations/" + named.name())
                        .orElseThrow();
                assertThat(named.sha256()).isEqualTo(Sha256.hex(object));
                assertThat(named.bytes()).isEqualTo(object.length);
            });
        });
        assertThat(manifests("other-org").getFirst().objects().toString())
                .doesNotContain(key.conversation().toString());
    }

    @Test
    void brings_a_lost_conversation_back_as_it_was() {
        Commits.say(journalled, key, 0, 5, clock.millis());
        List<Commit> before = store.read(key, 1, Look.CONSISTENT);
        saved();
        loseAll();
        assertThat(restored()).isEqualTo(new Restore.Result(Restore.Outcome.RESTORED, 5));
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEqualTo(before);
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.THERE);
    }

    @Test
    void adds_the_end_that_a_journal_has_lost() {
        Commits.say(journalled, key, 0, 5, clock.millis());
        List<Commit> before = store.read(key, 1, Look.CONSISTENT);
        saved();
        loseAll();
        store.append(key, before.getFirst(), 0);
        assertThat(restored()).isEqualTo(new Restore.Result(Restore.Outcome.RESTORED, 4));
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEqualTo(before);
    }

    /** By a point in time that DynamoDB was put back to, an older file of Redis, a restore that was ended in the middle. */
    @Test
    void a_journal_that_has_lost_its_end_does_not_hide_it_in_the_backup() {
        Commits.say(journalled, key, 0, 5, clock.millis());
        List<Commit> before = store.read(key, 1, Look.CONSISTENT);
        saved();
        loseAll();
        before.subList(0, 2).forEach(commit -> store.append(key, commit, 0));
        backup.note(key);
        backup.runs().runAll();
        assertThat(restored()).isEqualTo(new Restore.Result(Restore.Outcome.RESTORED, 3));
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEqualTo(before);
    }

    @Test
    void an_object_that_may_not_be_deleted_holds_up_nobody_else() {
        ConversationKey healthy = sameShard(key);
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        StoppedBucket locked = new StoppedBucket(bucket) {
            @Override
            public void delete(Collection<String> keys) {
                for (String object : keys) {
                    throw new UndeletableException("backups", object, "AccessDenied");
                }
            }
        };
        Backup backups = over(locked);
        ThreadStore writing = backups.over(store);
        Commit erasure = Commits.erasure(4, clock.millis());
        assertThat(writing.append(key, erasure, clock.millis())).isTrue();
        assertThatThrownBy(() -> backups.erase(key, erasure.getAtMs()))
                .isInstanceOf(StoreUnavailableException.class)
                .hasMessageContaining("AccessDenied");
        Commits.say(writing, healthy, 0, 1, clock.millis());
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        backups.runs().runAll();
        assertThat(backup.conversations(ACME)).contains(healthy);
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.ERASED);

        backup.runs().runAll();
        assertThat(backup.erase(key, erasure.getAtMs())).isTrue();
        assertThat(segments()).as("when it may be").isEmpty();
    }

    @Test
    void goes_on_with_a_restore_that_was_ended_among_what_has_expired_meanwhile() {
        for (int i = 0; i < 6; i++) { // never at rest for as long as it is kept
            Commits.say(journalled, key, i, 1, clock.millis());
            clock.move(Duration.ofHours(20));
        }
        List<Commit> before = store.read(key, 1, Look.CONSISTENT);
        saved();
        loseAll();
        List<Commit> readable = before.stream()
                .filter(commit -> commit.getAtMs() > clock.millis() - 2 * TTL.toMillis())
                .toList();
        assertThat(readable).hasSize(2);
        try (MemoryThreadStore forgettingLater = new MemoryThreadStore(Retention.ofAll(KEPT), clock)) {
            forgettingLater.append(key, Erasures.placeholder(readable.getFirst(), 1), 0); // and there it died
            assertThat(backup.restore(forgettingLater, _ -> {}, Retention.ofAll(TTL))
                            .conversation(key))
                    .isEqualTo(new Restore.Result(Restore.Outcome.RESTORED, 2));
            assertThat(ConversationBackups.real(forgettingLater.read(key, 1, Look.CONSISTENT)))
                    .isEqualTo(readable);
        }
    }

    @Test
    void what_was_erased_while_a_restore_died_goes_when_it_is_repeated_and_not_into_the_backup() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        List<Commit> before = store.read(key, 1, Look.CONSISTENT);
        saved();
        loseAll();
        assertThat(backup.erase(key, clock.millis())).isTrue();
        before.forEach(commit -> store.append(key, commit, 0)); // it had read them before, and did not look again
        saved();
        assertThat(segments()).isEmpty();
        List<ConversationKey> erased = new ArrayList<>();
        assertThat(backup.restore(store, erased::add, Retention.ofAll(TTL))
                        .conversation(key)
                        .outcome())
                .isEqualTo(Restore.Outcome.ERASED);
        assertThat(erased).containsExactly(key);
    }

    @Test
    void a_newer_journal_stays_as_it_is() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        Commits.say(journalled, key, 3, 2, clock.millis());
        List<Commit> newer = store.read(key, 1, Look.CONSISTENT);
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.THERE);
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEqualTo(newer);
    }

    @Test
    void a_journal_that_went_another_way_stays_as_it_is_and_is_backed_up_as_another_life() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        loseAll();
        Commits.say(journalled, key, 0, 2, clock.millis());
        List<Commit> other = store.read(key, 1, Look.CONSISTENT);
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.DIFFERS);
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEqualTo(other);
        saved();
        assertThat(segments()).extracting(SegmentName::last).containsExactly(3L, 2L);
        loseAll();
        assertThat(restored()).isEqualTo(new Restore.Result(Restore.Outcome.RESTORED, 2));
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEqualTo(other);
    }

    @Test
    void what_a_reader_would_not_be_shown_is_not_brought_back() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        loseAll();
        clock.move(TTL);
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.EXPIRED);
    }

    @Test
    void each_tenants_conversations_are_brought_back_as_long_as_they_are_kept() {
        ConversationKey lasting = Commits.conversation(new TenantId("lasting"));
        Commits.say(journalled, key, 0, 3, clock.millis());
        Commits.say(journalled, lasting, 0, 3, clock.millis());
        saved();
        loseAll();
        clock.move(TTL);
        Restore restore = backup.restore(store, _ -> {}, LASTING_LONGER);
        assertThat(restore.conversation(key).outcome()).isEqualTo(Restore.Outcome.EXPIRED);
        assertThat(restore.conversation(lasting).outcome()).isEqualTo(Restore.Outcome.RESTORED);
    }

    @Test
    void what_a_tenants_longer_retention_came_too_late_for_is_no_difference() {
        ConversationKey lasting = Commits.conversation(new TenantId("lasting"));
        long nowMs = clock.millis();
        Commit short1 = Commits.commit(1, nowMs, "words").toBuilder()
                .setKeptUntilMs(nowMs + Duration.ofHours(1).toMillis())
                .build();
        assertThat(journalled.append(lasting, short1, 0)).isTrue();
        saved();
        loseAll();
        List<String> lines = new ArrayList<>();
        Drill early = backup.drill(LASTING_LONGER, lines::add);
        early.conversation(lasting);
        assertThat(lines).as("it should be there").hasSize(1);

        clock.move(Duration.ofHours(2));
        lines.clear();
        Drill late = backup.drill(LASTING_LONGER, lines::add);
        late.conversation(lasting);
        assertThat(lines).isEmpty();
        assertThat(late.expired()).isEqualTo(1);
    }

    @Test
    void an_erased_conversation_is_erased_in_the_bucket_too_and_does_not_come_back() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        erase(3);
        assertThat(segments()).isEmpty();
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.ERASED);
        loseAll();
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.ERASED);
        saved();
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEmpty();
        assertThat(differences()).isEmpty();
    }

    @Test
    void one_that_only_the_backup_has_can_be_erased() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        loseAll();
        assertThat(backup.erase(key, clock.millis())).isTrue();
        assertThat(backup.erase(Commits.conversation(ACME), clock.millis())).isFalse();
        assertThat(segments()).isEmpty();
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.ERASED);
    }

    @Test
    void one_that_is_erased_while_it_is_written_leaves_nothing() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        AtomicReference<Runnable> then = new AtomicReference<>(() -> {});
        BackupBucket slow = new StoppedBucket(bucket) {
            @Override
            public void put(String object, byte[] content, String sha256) {
                if (object.contains("/conversations/")) {
                    then.getAndSet(() -> {}).run();
                }
                super.put(object, content, sha256);
            }
        };
        then.set(() -> erase(3));
        over(slow).runs().runAll();
        assertThat(segments()).isEmpty();
        assertThat(restored().outcome()).isEqualTo(Restore.Outcome.ERASED);
    }

    @Test
    void what_is_erased_while_it_is_brought_back_goes_again() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        loseAll();
        List<ConversationKey> erased = new ArrayList<>();
        ThreadStore slow = new io.agentserver.buffer.store.ForwardingThreadStore(store) {
            @Override
            public boolean append(ConversationKey its, Commit commit, long previousActivityMs) {
                backup.erase(its, clock.millis());
                return super.append(its, commit, previousActivityMs);
            }
        };
        assertThat(backup.restore(slow, erased::add, Retention.ofAll(TTL))
                        .conversation(key)
                        .outcome())
                .isEqualTo(Restore.Outcome.ERASED);
        assertThat(erased).containsExactly(key);
    }

    @ParameterizedTest
    @ValueSource(strings = {PLAIN, VERSIONED})
    void of_a_deleted_tenant_nothing_is_left_no_older_version_either_and_nothing_comes_back(String name) {
        try (BackupBucket its = S3BackupBucket.open(server.url(), "", name)) {
            Backup backups = over(its);
            ConversationKey theirs = Commits.conversation(new TenantId("acme-too"));
            ThreadStore writing = backups.over(store);
            Commits.say(writing, key, 0, 3, clock.millis());
            Commits.say(writing, theirs, 0, 3, clock.millis());
            clock.move(A_PERIOD_AND_ITS_MARGIN);
            backups.runs().runAll();
            String state = prefix + "tenants/acme/x";
            its.put(state, new byte[] {1}, Sha256.hex(new byte[] {1}));
            its.put(state, new byte[] {2}, Sha256.hex(new byte[] {2}));

            assertThat(backups.eraseSome(ACME)).isGreaterThanOrEqualTo(name.equals(PLAIN) ? 3 : 4);
            assertThat(backups.eraseSome(ACME)).isZero();
            assertThat(left(name, "tenants/acme/")).isEmpty();
            assertThat(left(name, "tenants/acme-too/")).hasSize(2);

            deleted.mark(ACME);
            Commits.say(writing, key, 3, 1, clock.millis());
            clock.move(A_PERIOD_AND_ITS_MARGIN);
            backups.runs().runAll();
            assertThat(left(name, "tenants/acme/")).as("what came late").isEmpty();
            assertThat(backups.restore(store, _ -> {}, Retention.ofAll(TTL))
                            .conversation(key)
                            .outcome())
                    .isEqualTo(Restore.Outcome.DELETED);
        }
    }

    @Test
    void one_who_is_deleted_while_it_is_written_leaves_nothing() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        BackupBucket slow = new StoppedBucket(bucket) {
            @Override
            public void put(String object, byte[] content, String sha256) {
                if (object.contains("/conversations/")) {
                    deleted.mark(ACME);
                }
                super.put(object, content, sha256);
            }
        };
        over(slow).runs().runAll();
        assertThat(left(PLAIN, "tenants/")).isEmpty();
    }

    @Test
    void a_drill_finds_backup_and_journal_equal() {
        ConversationKey other = Commits.conversation(ACME);
        Commits.say(journalled, key, 0, 3, clock.millis());
        Commits.say(journalled, other, 0, 2, clock.millis());
        saved();
        Commits.say(journalled, other, 2, 2, clock.millis()); // not due yet
        Drill drill = backup.drill(Retention.ofAll(TTL), line -> {
            throw new AssertionError(line);
        });
        drill.tenant(ACME, Set.of(key.conversation(), other.conversation()));
        assertThat(drill.conversations()).isEqualTo(2);
        assertThat(drill.slots()).isEqualTo(5);
        assertThat(drill.differences()).isZero();
    }

    @Test
    void a_drill_finds_another_slot() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        List<Commit> before = store.read(key, 1, Look.CONSISTENT);
        saved();
        loseAll();
        store.append(key, before.get(0), 0);
        store.append(key, Commits.commit(2, before.get(1).getAtMs(), "words planted"), 0);
        store.append(key, before.get(2), 0);
        assertThat(differences()).containsExactly(key + " has another slot 2 in the backup than in the journal");
    }

    @Test
    void a_drill_finds_what_the_backup_lacks() {
        saved(); // all shards are complete from here on
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        Commits.say(store, key, 0, 3, clock.millis()); // nobody notes it
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        backup.runs().runAll();
        Drill drill = backup.drill(Retention.ofAll(TTL), _ -> {});
        drill.tenant(ACME, Set.of(key.conversation()));
        assertThat(drill.differences()).isEqualTo(1);

        backup.note(key);
        backup.runs().runAll();
        assertThat(differences()).isEmpty();
    }

    @Test
    void a_drill_finds_what_the_journal_lacks() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        loseAll();
        assertThat(differences()).containsExactly(key + " is in the backup, and not in the journal");
    }

    @Test
    void a_drill_finds_an_object_that_was_lost() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        String object = prefix + "tenants/acme/conversations/" + key.conversation() + "/"
                + segments().getFirst().text();
        bucket.delete(List.of(object));
        assertThat(differences())
                .containsExactlyInAnyOrder("lost from the bucket: " + object, key + " lacks commit 1 in the backup");
    }

    /** A bucket that was emptied, or is another one; or nobody backs up. */
    @Test
    void a_drill_that_finds_no_backup_does_not_find_all_equal() {
        Commits.say(store, key, 0, 3, clock.millis());
        clock.move(Duration.ofHours(2));
        assertThat(differences()).containsExactly("shard " + shard() + " is backed up until 1970-01-01T00:00:00Z only");
        Drill drill = backup.drill(Retention.ofAll(TTL), _ -> {});
        drill.tenant(ACME, Set.of(key.conversation()));
        assertThat(drill.conversations()).isZero();
        assertThat(drill.notYet()).isEqualTo(1);
    }

    /** Its objects are named by each manifest of an hour, and go with the first of them. */
    @Test
    void a_drill_does_not_miss_what_has_become_too_old() {
        for (int i = 0; i < 3; i++) {
            Commits.say(journalled, key, i, 1, clock.millis());
            saved();
        }
        assertThat(manifests("acme")).hasSize(3);
        clock.move(KEPT.minus(Duration.ofMinutes(15)));
        sweep(clock);
        assertThat(manifests("acme")).hasSize(2);
        assertThat(differences()).isEmpty();
    }

    @Test
    void a_drill_does_not_miss_what_a_tenant_keeps_for_longer_than_backups_are_kept() {
        ConversationKey longer = Commits.conversation(new TenantId("longer-than-backups"));
        Commits.say(journalled, longer, 0, 3, clock.millis());
        saved();
        clock.move(KEPT.dividedBy(2));
        Commits.say(journalled, longer, 3, 1, clock.millis());
        saved();
        clock.move(KEPT.dividedBy(2).plusHours(1));
        sweep(clock);
        saved();
        Drill drill = backup.drill(LASTING_LONGER, line -> {
            throw new AssertionError(line);
        });
        drill.tenant(longer.tenant(), Set.of(longer.conversation()));
        assertThat(drill.slots()).isEqualTo(1);
    }

    @Test
    void what_is_not_of_a_backup_and_a_manifest_that_cannot_be_read_stop_nobody() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        for (String planted :
                List.of("tenants/README/x", "tenants/acme/conversations/x/y", "tenants/aaa/manifests/1")) {
            bucket.put(prefix + planted, new byte[] {'{'}, Sha256.hex(new byte[] {'{'}));
        }
        assertThat(backup.tenants()).containsExactlyInAnyOrder(ACME, new TenantId("aaa"));
        assertThat(backup.conversations(ACME)).containsExactly(key);
        assertThat(differences()).containsExactly("not of a backup: " + prefix + "tenants/acme/conversations/x/y");
        clock.move(KEPT.plusHours(1));
        sweep(clock);
        assertThat(segments())
                .as("though a tenant before it has a manifest that cannot be read")
                .isEmpty();
    }

    @Test
    void an_object_whose_bytes_have_changed_in_the_bucket_is_told_apart_from_a_bucket_that_is_away()
            throws IOException {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        SegmentName name = segments().getFirst();
        byte[] bytes = bucket.get(prefix + "tenants/acme/conversations/" + key.conversation() + "/" + name.text())
                .orElseThrow();
        List<Path> files;
        try (Stream<Path> all = Files.walk(directory.resolve("s3"))) {
            files = all.filter(Files::isRegularFile)
                    .filter(file -> isOf(file, bytes))
                    .toList();
        }
        byte[] rotten = bytes.clone();
        rotten[rotten.length / 2] ^= 1;
        Files.write(files.getFirst(), rotten);
        loseAll();
        assertThatThrownBy(this::restored).isInstanceOf(BrokenBackupException.class);
        assertThat(differences()).singleElement().asString().contains("its bytes have changed");
    }

    private static boolean isOf(Path file, byte[] bytes) {
        try {
            return Arrays.equals(Files.readAllBytes(file), bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void an_object_whose_bytes_have_changed_is_not_restored() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        loseAll();
        String object = prefix + "tenants/acme/conversations/" + key.conversation() + "/"
                + segments().getFirst().text();
        byte[] bytes = bucket.get(object).orElseThrow();
        bytes[bytes.length / 2] ^= 1;
        bucket.put(object, bytes, Sha256.hex(bytes));
        assertThatThrownBy(this::restored).isInstanceOf(BrokenBackupException.class);
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEmpty();
        assertThat(differences()).singleElement().asString().contains("its bytes have changed");
    }

    @Test
    void the_bucket_knows_each_object_s_checksum() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        SegmentName name = segments().getFirst();
        String checksum = s3.headObject(head -> head.bucket(PLAIN)
                        .key(prefix + "tenants/acme/conversations/" + key.conversation() + "/" + name.text())
                        .checksumMode(ChecksumMode.ENABLED))
                .checksumSHA256();
        assertThat(HexFormat.of().formatHex(Base64.getDecoder().decode(checksum)))
                .isEqualTo(name.sha256());
    }

    @Test
    void what_was_kept_for_long_enough_goes_and_nothing_younger() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        clock.move(KEPT.minusHours(2));
        sweep(clock);
        assertThat(segments()).hasSize(1);
        clock.move(Duration.ofHours(3));
        sweep(clock);
        assertThat(left(PLAIN, "tenants/")).isEmpty();
    }

    @Test
    void what_is_there_of_a_deleted_tenant_is_left_to_its_deletion_which_counts_it_and_what_comes_late_goes() {
        ConversationKey theirs = Commits.conversation(new TenantId("acme-too"));
        Commits.say(journalled, key, 0, 3, clock.millis());
        Commits.say(journalled, theirs, 0, 3, clock.millis());
        saved();
        deleted.mark(ACME);
        assertThat(sweep(clock).isExpiryFailing()).isFalse();
        assertThat(segments()).hasSize(1);

        clock.move(Duration.ofHours(1));
        sweep(clock);
        assertThat(left(PLAIN, "tenants/acme/")).isEmpty();
        assertThat(left(PLAIN, "tenants/acme-too/")).hasSize(2);
    }

    @Test
    void where_a_process_s_clock_is_not_the_bucket_s_nothing_is_too_old_and_that_is_told() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        MovedClock wrong = new MovedClock();
        wrong.move(Duration.ofDays(31));
        assertThat(sweep(wrong).isExpiryFailing()).isTrue();
        assertThat(segments()).hasSize(1);
        assertThat(sweep(clock).isExpiryFailing()).isFalse();
    }

    @Test
    void how_old_something_is_the_bucket_s_clock_says() {
        Commits.say(journalled, key, 0, 3, clock.millis());
        saved();
        clock.move(KEPT.minusMinutes(30));
        MovedClock ahead = new MovedClock();
        ahead.move(A_PERIOD_AND_ITS_MARGIN.plus(KEPT).plusMinutes(10));
        assertThat(sweep(ahead).isExpiryFailing()).isFalse();
        assertThat(segments()).hasSize(1);
        assertThat(left(PLAIN, "clock")).isEmpty();
    }

    @Test
    void a_conversation_that_cannot_be_backed_up_holds_up_no_other_and_is_told() {
        ConversationKey healthy = sameShard(key);
        Commits.say(journalled, key, 0, 1, clock.millis());
        Commits.say(journalled, healthy, 0, 1, clock.millis());
        plant();
        saved();
        assertThat(backup.conversations(ACME)).contains(healthy);
        assertThat(backup.progress().failures()).isEqualTo(1);
        assertThat(backup.progress().isFailing(shard())).isTrue();
    }

    @Test
    void what_cannot_be_backed_up_is_not_forgotten_by_who_takes_its_shard_over() {
        Commits.say(journalled, key, 0, 1, clock.millis());
        plant();
        saved();
        long completeMs = backup.progress().completeMs(shard());
        clock.move(Duration.ofHours(2));
        backup.runs().runAll();

        Backup other = over(bucket);
        other.runs().runAll();
        assertThat(other.progress().completeMs(shard())).isEqualTo(completeMs);
        assertThat(other.progress().isFailing(shard())).isTrue();

        bucket.delete(List.of(planted()));
        clock.move(Duration.ofMinutes(2));
        other.runs().runAll();
        assertThat(other.progress().isFailing(shard())).isFalse();
        assertThat(other.progress().completeMs(shard())).isGreaterThan(completeMs);
        assertThat(ShardState.read(bucket, new BackupNames(prefix), shard()).stuck())
                .isEmpty();
    }

    @Test
    void what_a_process_that_died_had_backed_up_and_not_said_so_is_looked_at_again() {
        Commits.say(store, key, 0, 1, clock.millis()); // of which the index knows nothing any more
        new ShardState(
                        shard(),
                        1,
                        List.of(new ShardState.Stuck("acme", key.conversation().toString(), clock.millis())))
                .write(bucket, new BackupNames(prefix));
        backup.runs().runAll();
        assertThat(backup.progress().isFailing(shard())).isFalse();
        assertThat(segments()).hasSize(1);
    }

    /** Its lease may have been another's in between, who has backed up what could not be before. */
    @Test
    void a_process_that_did_not_renew_its_leases_for_long_takes_its_shards_over_anew() {
        AtomicLong nanoTime = new AtomicLong();
        Backup frozen = new Backup(
                bucket,
                new BackupNames(prefix),
                store,
                index,
                Leases.NOBODY_ELSE,
                deleted,
                times(),
                clock,
                nanoTime::get);
        Commits.say(journalled, key, 0, 1, clock.millis());
        plant();
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        try (BackupRuns runs = frozen.runs()) {
            runs.runAll();
            assertThat(frozen.progress().isFailing(shard())).isTrue();
            bucket.delete(List.of(planted()));
            clock.move(Duration.ofHours(2));
            backup.runs().runAll();
            assertThat(segments()).hasSize(1);

            nanoTime.addAndGet(Duration.ofSeconds(6).toNanos());
            runs.look(1);
            await().untilAsserted(() -> {
                assertThat(frozen.progress().completeMs(shard()))
                        .isGreaterThan(clock.millis() - Duration.ofHours(1).toMillis());
                assertThat(frozen.progress().isFailing(shard())).isFalse();
            });
        }
    }

    @Test
    void while_the_bucket_is_away_the_index_keeps_what_is_to_be_done_and_the_age_says_so() {
        Commits.say(journalled, key, 0, 1, clock.millis());
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        Backup away = over(new StoppedBucket(bucket) {
            @Override
            public void put(String object, byte[] content, String sha256) {
                if (object.contains("/conversations/")) {
                    throw new StoreUnavailableException("S3", "nothing is taken");
                }
                super.put(object, content, sha256);
            }
        });
        assertThatThrownBy(() -> away.runs().runAll()).isInstanceOf(StoreUnavailableException.class);
        assertThat(away.progress().isFailing(shard())).isTrue();
        assertThat(away.progress().completeMs(shard())).isZero();
        backup.runs().runAll();
        assertThat(segments()).hasSize(1);
    }

    /** An object for which its conversation cannot be backed up. */
    private void plant() {
        bucket.put(planted(), new byte[0], Sha256.hex(new byte[0]));
    }

    private String planted() {
        return prefix + "tenants/acme/conversations/" + key.conversation() + "/planted";
    }

    private ConversationKey sameShard(ConversationKey as) {
        ConversationKey other;
        do {
            other = Commits.conversation(ACME);
        } while (ShardKey.of(other.conversation(), ShardKey.SHARDS) != ShardKey.of(as.conversation(), ShardKey.SHARDS));
        return other;
    }

    private BackupProgress sweep(MovedClock its) {
        BackupProgress progress = new BackupProgress();
        new BackupExpiry(bucket, new BackupNames(prefix), deleted, times(), progress, its).sweep();
        return progress;
    }

    private static BackupTimes times() {
        return new BackupTimes(PERIOD, KEPT);
    }

    private Backup over(BackupBucket which) {
        return new Backup(which, new BackupNames(prefix), store, index, Leases.NOBODY_ELSE, deleted, times(), clock);
    }

    private void saved() {
        clock.move(A_PERIOD_AND_ITS_MARGIN);
        backup.runs().runAll();
    }

    private void loseAll() {
        store.close(); // a store in memory is empty then, and goes on
    }

    private Restore.Result restored() {
        return backup.restore(store, _ -> {}, Retention.ofAll(TTL)).conversation(key);
    }

    private void erase(long last) {
        Commit erasure = Commits.erasure(last + 1, clock.millis());
        assertThat(journalled.append(key, erasure, clock.millis())).isTrue();
        assertThat(journalled.erase(key, erasure)).isTrue();
    }

    private List<String> differences() {
        List<String> lines = new ArrayList<>();
        Drill drill = backup.drill(Retention.ofAll(TTL), lines::add);
        Set<ThreadId> live = new HashSet<>();
        store.each(its -> live.add(its.conversation()));
        drill.tenant(ACME, live);
        assertThat(drill.differences()).isEqualTo(lines.size());
        return lines;
    }

    private int shard() {
        return ShardKey.of(key.conversation(), ShardKey.SHARDS);
    }

    private List<ConversationKey> conversations() {
        return backup.conversations(ACME);
    }

    private List<SegmentName> segments() {
        return new ConversationBackups(bucket, new BackupNames(prefix), store)
                .contents(key).segments().stream().map(Contents.Segment::name).toList();
    }

    private List<Manifest> manifests(String tenant) {
        List<Manifest> found = new ArrayList<>();
        bucket.each(prefix + "tenants/" + tenant + "/manifests/", object -> {
            Optional<byte[]> json = bucket.get(object.key());
            return found.add(Manifest.ofJson(object.key(), json.orElseThrow()));
        });
        return found;
    }

    /** Versions and marks of deletion, which are all that an unversioned bucket has too. */
    private List<String> left(String name, String under) {
        var page = s3.listObjectVersions(list -> list.bucket(name).prefix(prefix + under));
        List<String> found = new ArrayList<>();
        page.versions().forEach(version -> found.add(version.key()));
        page.deleteMarkers().forEach(mark -> found.add(mark.key()));
        s3.listObjectsV2(list -> list.bucket(name).prefix(prefix + under))
                .contents()
                .forEach(object -> {
                    if (!found.contains(object.key())) {
                        found.add(object.key());
                    }
                });
        return found;
    }
}
