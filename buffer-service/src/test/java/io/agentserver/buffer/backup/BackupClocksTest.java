package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.localstores.LocalS3;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;

import static io.agentserver.buffer.backup.Commits.ACME;
import static org.assertj.core.api.Assertions.assertThat;

/** Processes whose clocks are wrong, over one store whose clock is its own. */
class BackupClocksTest {
    private static final Duration PERIOD = Duration.ofMinutes(10);
    private static final Duration KEPT = Duration.ofDays(30);
    private static final Duration A_MINUTE = Duration.ofMinutes(1);

    @SuppressWarnings("NullAway.Init")
    private static LocalS3 server;

    /** The store's, of which all processes learn. */
    private final MovedClock time = new MovedClock();

    private final MovedClock slow = new MovedClock();
    private final MovedClock fast = new MovedClock();
    private final MemoryThreadStore store = new MemoryThreadStore(Retention.ofAll(Duration.ofDays(7)), time);
    private final MemoryTenantErasure deleted = new MemoryTenantErasure(store, new MemoryDueStore());
    private final MemoryDueStore index = new MemoryDueStore();
    private final String prefix = "c/" + UUID.randomUUID() + "/";
    private final BackupBucket bucket = S3BackupBucket.open(server.url(), "", "backups");
    private final ConversationKey key = Commits.conversation(ACME);
    private final int shard = ShardKey.of(key.conversation(), ShardKey.SHARDS);
    private final Backup good = process(time, sharing());

    BackupClocksTest() {
        long intoPeriod = time.millis() % PERIOD.toMillis();
        move(PERIOD.minusMillis(intoPeriod));
        slow.move(PERIOD.negated());
        fast.move(Duration.ofHours(2));
    }

    @BeforeAll
    static void start(@TempDir Path directory) {
        server = LocalS3.start(directory.resolve("s3"), "backups");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void a_commit_of_a_process_whose_clock_is_behind_is_backed_up_though_its_period_was_looked_at() {
        move(A_MINUTE.multipliedBy(9));
        long atMs = time.millis();
        append(good, 1, atMs, 0);
        move(A_MINUTE.multipliedBy(3));
        good.runs().runAll();
        assertThat(last()).isEqualTo(1);

        move(A_MINUTE.multipliedBy(4));
        assertThat(slow.millis()).isLessThan(atMs); // a journal's time does not run back: it takes the one before
        append(process(slow, sharing()), 2, atMs, atMs);
        move(PERIOD.multipliedBy(2));
        good.runs().runAll();
        assertThat(last()).isEqualTo(2);
    }

    @Test
    void a_process_whose_clock_is_ahead_looks_at_no_period_before_it_is_over() {
        move(A_MINUTE);
        append(good, 1, time.millis(), 0);
        long atMs = time.millis();
        move(A_MINUTE);
        Backup ahead = process(fast, sharing());
        ahead.runs().runAll();
        assertThat(ahead.progress().completeMs(shard)).isBetween(1L, time.millis());
        assertThat(ShardState.read(bucket, new BackupNames(prefix), shard).completeMs())
                .isBetween(1L, time.millis());

        move(A_MINUTE);
        append(good, 2, time.millis(), atMs);
        move(PERIOD.multipliedBy(2));
        good.runs().runAll();
        assertThat(last()).isEqualTo(2);
    }

    @Test
    void what_a_process_whose_clock_is_ahead_has_written_is_backed_up_as_soon_as_all_else() {
        append(process(fast, sharing()), 1, fast.millis(), 0);
        move(PERIOD.plus(A_MINUTE.multipliedBy(2)));
        good.runs().runAll();
        assertThat(last()).isEqualTo(1);

        append(good, 2, fast.millis(), fast.millis());
        move(PERIOD.plus(A_MINUTE.multipliedBy(2)));
        good.runs().runAll();
        assertThat(last()).as("of a period that was begun by it").isEqualTo(2);
    }

    @Test
    void a_process_that_does_not_know_the_store_s_time_yet_notes_each_commit() {
        long atMs = time.millis();
        append(good, 1, atMs, 0);
        move(PERIOD.plus(A_MINUTE.multipliedBy(2)));
        good.runs().runAll();
        Backup unknowing = process(slow, new Sharing() {
            @Override
            public OptionalLong millis() {
                throw new StoreUnavailableException("Redis", "away");
            }
        });
        append(unknowing, 2, atMs, atMs);
        move(PERIOD.multipliedBy(2));
        good.runs().runAll();
        assertThat(last()).isEqualTo(2);
    }

    @Test
    void a_shard_is_never_complete_until_later_than_now_though_it_was_said_to_be() {
        BackupNames names = new BackupNames(prefix);
        new ShardState(shard, time.millis() + Duration.ofHours(2).toMillis(), List.of()).write(bucket, names);
        good.runs().runAll();
        assertThat(good.progress().completeMs(shard)).isBetween(1L, time.millis());
        assertThat(ShardState.read(bucket, names, shard).completeMs()).isBetween(1L, time.millis());
    }

    private class Sharing implements Leases {
        @Override
        public List<Integer> renew(String owner) {
            return Leases.NOBODY_ELSE.renew(owner);
        }

        @Override
        public OptionalLong millis() {
            return OptionalLong.of(time.millis());
        }
    }

    private Leases sharing() {
        return new Sharing();
    }

    private Backup process(MovedClock its, Leases leases) {
        return new Backup(
                bucket,
                new BackupNames(prefix),
                store,
                index,
                leases,
                deleted,
                new BackupTimes(PERIOD, KEPT),
                its,
                () -> time.millis() * 1_000_000);
    }

    private void move(Duration further) {
        time.move(further);
        slow.move(further);
        fast.move(further);
    }

    private void append(Backup process, long number, long atMs, long previousMs) {
        Commit commit = Commits.commit(number, atMs, "words");
        assertThat(process.over(store).append(key, commit, previousMs)).isTrue();
    }

    /** That the bucket has; 0: none. */
    private long last() {
        return new ConversationBackups(bucket, new BackupNames(prefix), store)
                .contents(key)
                .newest()
                .map(SegmentName::last)
                .orElse(0L);
    }
}
