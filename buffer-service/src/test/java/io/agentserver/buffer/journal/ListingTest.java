package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.ConversationState;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.ShardStats;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.buffer.v1.StatsRequest;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

/** A list of conversations costs what it shows, not what they hold. */
class ListingTest {
    private static final ListRequest ALL = ListRequest.newBuilder().setLimit(25).build();

    private final AtomicInteger reads = new AtomicInteger();
    private final AtomicInteger reading = new AtomicInteger();
    private final AtomicInteger mostAtOnce = new AtomicInteger();
    private boolean ofAnOlderBuffer;

    private final Conversing talk = new Conversing(
            new ForwardingThreadStore(
                    new MemoryThreadStore(Retention.ofAll(Duration.ofHours(24)), new TestClock(Instant.EPOCH))) {
                @Override
                public List<Commit> read(ConversationKey key, long number, Look look) {
                    reads.incrementAndGet();
                    mostAtOnce.accumulateAndGet(reading.incrementAndGet(), Math::max);
                    try {
                        return super.read(key, number, look).stream()
                                .map(this::aged)
                                .toList();
                    } finally {
                        reading.decrementAndGet();
                    }
                }

                @Override
                public Optional<Commit> last(ConversationKey key) {
                    return super.last(key).map(this::aged);
                }

                private Commit aged(Commit commit) {
                    return ofAnOlderBuffer ? commit.toBuilder().clearBrief().build() : commit;
                }
            });
    private final ConversationReader reader = new ConversationReader(talk.journal, talk.store, talk.wakeups);

    @Test
    void conversations_are_listed_newest_or_oldest_first() {
        talk.begin(talk.first);
        talk.clock.move(Duration.ofMinutes(1));
        Conversing later = new Conversing(talk.store);
        later.clock.move(Duration.ofMinutes(1));
        later.begin(later.first);
        ListReply one = reader.list(
                Conversing.TENANT, ListRequest.newBuilder().setLimit(1).build());
        assertThat(one.getConversationsList()).extracting(Conversation::getId).containsExactly(later.root.toString());
        ListReply two = reader.list(
                Conversing.TENANT,
                ListRequest.newBuilder()
                        .setLimit(1)
                        .setCursor(one.getNextCursor())
                        .build());
        assertThat(two.getConversationsList()).extracting(Conversation::getId).containsExactly(talk.root.toString());
        assertThat(two.getNextCursor()).isEmpty();
        ListReply oldest = reader.list(
                Conversing.TENANT,
                ListRequest.newBuilder().setLimit(2).setOldestFirst(true).build());
        assertThat(oldest.getConversationsList())
                .extracting(Conversation::getId)
                .containsExactly(talk.root.toString(), later.root.toString());
        assertThatThrownBy(() -> reader.list(
                        Conversing.TENANT,
                        ListRequest.newBuilder()
                                .setLimit(1)
                                .setCursor("nonsense")
                                .build()))
                .hasMessageContaining("<nonsense>");
    }

    /** What this process remembers of a page is not taken for what there is. */
    @Test
    void a_list_shows_what_another_process_has_journalled_meanwhile() {
        talk.begin(talk.first);
        Conversing other = new Conversing(talk.store);
        other.begin(other.first);
        ListRequest all = ListRequest.newBuilder().setLimit(10).build();
        assertThat(reader.list(Conversing.TENANT, all).getConversationsList())
                .extracting(Conversation::getState)
                .containsExactly(ConversationState.OPEN, ConversationState.OPEN);

        other.journal.cancel(other.key);
        assertThat(reader.list(Conversing.TENANT, all).getConversationsList())
                .extracting(Conversation::getId, Conversation::getState)
                .containsExactlyInAnyOrder(
                        tuple(talk.root.toString(), ConversationState.OPEN),
                        tuple(other.root.toString(), ConversationState.CANCELLED));
    }

    @Test
    void a_page_of_conversations_that_this_process_does_not_know_reads_none_of_them_whole() {
        List<Conversation> talks = severalTalks();
        reads.set(0);
        assertThat(list(talk.process())).containsExactlyInAnyOrderElementsOf(talks);
        assertThat(reads).hasValue(0);
    }

    @Test
    void what_an_older_buffer_wrote_is_read_whole_one_after_another() throws Exception {
        List<Conversation> talks = severalTalks();
        ofAnOlderBuffer = true;
        mostAtOnce.set(0);
        int lists = 8;
        CyclicBarrier together = new CyclicBarrier(lists);
        ConversationJournal process = talk.process();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<Conversation>>> answers = new ArrayList<>();
            for (int i = 0; i < lists; i++) {
                answers.add(pool.submit(() -> {
                    together.await();
                    return list(process);
                }));
            }
            for (Future<List<Conversation>> answer : answers) {
                assertThat(answer.get()).containsExactlyInAnyOrderElementsOf(talks);
            }
        }
        assertThat(mostAtOnce).hasValue(1);
    }

    @Test
    void what_is_kept_of_a_tenant_is_summed_up_by_shard_without_reading_it() {
        List<Conversation> talks = severalTalks();
        reads.set(0);
        StatsReply stats = new ConversationReader(talk.process(), talk.store, talk.wakeups)
                .stats(Conversing.TENANT, StatsRequest.getDefaultInstance());
        assertThat(reads).hasValue(0);
        assertThat(stats.getNextCursor()).isEmpty();
        assertThat(stats.getShardsList())
                .extracting(ShardStats::getShard)
                .isSorted()
                .containsExactlyInAnyOrderElementsOf(talks.stream()
                        .map(each -> ShardKey.of(ThreadId.parse(each.getId()), ShardKey.SHARDS))
                        .collect(Collectors.toSet()));
        assertThat(stats.getShardsList().stream()
                        .mapToLong(ShardStats::getConversations)
                        .sum())
                .isEqualTo(4);
        assertThat(stats.getShardsList().stream().mapToLong(ShardStats::getOpen).sum())
                .isEqualTo(1);
        assertThat(stats.getShardsList().stream()
                        .mapToLong(ShardStats::getSlots)
                        .sum())
                .as("2 in the open one, 3, 2 and 1")
                .isEqualTo(8);
        assertThat(stats.getShardsList().stream()
                        .mapToLong(ShardStats::getBytes)
                        .sum())
                .isEqualTo(talks.stream().mapToLong(Conversation::getKeptBytes).sum())
                .isGreaterThan(8 * 100);
    }

    /** An open one, one at rest, a failed, a cancelled; and one that is erased, which no list shows. */
    private List<Conversation> severalTalks() {
        List<Conversation> shown = new ArrayList<>();
        talk.begin(talk.first);
        talk.begin(talk.clientMessage());
        shown.add(read(talk));
        Conversing rested = another();
        Emission shout = rested.handle(rested.first, rested.handOver(rested.first, "shouter"))
                .getFirst();
        rested.handle(shout, rested.respond(shout));
        shown.add(read(rested));
        Conversing failed = another();
        failed.begin(failed.first);
        failed.journal.complete(
                failed.key,
                failed.completing(failed.first, failed.respond(failed.first))
                        .setFailed(true)
                        .build());
        shown.add(read(failed));
        Conversing cancelled = another();
        cancelled.begin(cancelled.first);
        cancelled.journal.cancel(cancelled.key);
        shown.add(read(cancelled));
        Conversing erased = another();
        erased.begin(erased.first);
        erased.journal.erase(erased.key);
        assertThat(shown)
                .extracting(Conversation::getState)
                .doesNotHaveDuplicates()
                .hasSize(4);
        return shown;
    }

    private Conversing another() {
        return new Conversing(talk.store);
    }

    private Conversation read(Conversing its) {
        return new ConversationReader(its.journal, its.store, its.wakeups)
                .read(its.key, ReadRequest.newBuilder().setBrief(true).build())
                .getConversation();
    }

    private List<Conversation> list(ConversationJournal process) {
        return new ConversationReader(process, talk.store, talk.wakeups)
                .list(Conversing.TENANT, ALL)
                .getConversationsList();
    }
}
