package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Answered;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.buffer.commit.Erased;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.RecentConversations.Recent;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What every store of commits keeps to. An adapter's test extends it and gives a store over the real thing. */
public abstract class ThreadStoreContract {
    protected static final TenantId TENANT = new TenantId("acme");

    /** What every store of this contract's is made with. */
    public static final Retention RETENTION = tenant -> {
        String name = tenant.value();
        return name.startsWith("brief-")
                ? Duration.ofHours(1)
                : name.startsWith("lasting-") ? Duration.ofDays(90) : Duration.ofHours(24);
    };

    private static final long NOW = System.currentTimeMillis();

    /** One that other tests have not written to, or not to the conversations that this one makes. */
    protected abstract ThreadStore store();

    /** Lets what counts from the write be over; what counts from a commit's own time needs nothing. */
    protected void expire(ConversationKey key) {}

    @Test
    void knows_nothing_of_a_conversation_that_nobody_wrote() {
        assertThat(store().read(conversation(TENANT), 1, Look.CONSISTENT)).isEmpty();
        assertThat(store().read(conversation(TENANT), 7, Look.FAST)).isEmpty();
    }

    @Test
    void reads_what_was_appended_from_any_number_on() {
        ConversationKey key = conversation(TENANT);
        List<Commit> commits = append(key, 5);
        for (Look look : Look.values()) {
            assertThat(store().read(key, 1, look)).isEqualTo(commits);
            assertThat(store().read(key, 4, look)).isEqualTo(commits.subList(3, 5));
            assertThat(store().read(key, 6, look)).isEmpty();
        }
    }

    @Test
    void shows_the_last_commit_alone() {
        ConversationKey key = conversation(TENANT);
        assertThat(store().last(key)).isEmpty();
        Commit.Builder big = commit(1, "big").toBuilder();
        for (int i = 0; i < 3; i++) {
            big.addChanges(commit(1, "y".repeat(250_000)).getChanges(0));
        }
        store().append(key, big.build(), 0);
        assertThat(store().last(key)).map(Commit::getChangesCount).contains(4);
        store().append(key, commit(2, "second"), 1);
        store().append(key, commit(3, "third"), 1);
        assertThat(store().last(key)).map(Commit::getNumber).contains(3L);
    }

    /** What the buffer's call {@code stats} makes its sums of, in parts. */
    @Test
    void shows_how_far_each_of_a_tenants_conversations_has_come() {
        TenantId tenant = new TenantId("counted-" + Ids.v7().toString().substring(24));
        Map<ThreadId, Long> written = new HashMap<>();
        for (int i = 1; i <= 7; i++) {
            ConversationKey key = conversation(tenant);
            append(key, i);
            written.put(key.conversation(), (long) i);
        }
        await().untilAsserted(() -> assertThat(store().recent(tenant, Order.OLDEST_FIRST, 10, Optional.empty())
                        .conversations())
                .hasSize(7));
        Map<ThreadId, Long> seen = new HashMap<>();
        Optional<Recent> from = Optional.empty();
        do {
            RecentConversations page = store().recent(tenant, Order.OLDEST_FIRST, 3, from);
            for (Recent each : page.conversations()) {
                Commit last = store().last(new ConversationKey(tenant, each.conversation()))
                        .orElseThrow();
                assertThat(seen.put(each.conversation(), last.getNumber())).isNull();
            }
            from = page.next();
        } while (from.isPresent());
        assertThat(seen).isEqualTo(written);
    }

    @Test
    void says_in_one_go_how_far_conversations_have_come_as_far_as_it_knows() {
        ConversationKey known = conversation(TENANT);
        ConversationKey unknown = conversation(TENANT);
        append(known, 3);
        Map<ConversationKey, Long> numbers = store().lastNumbers(List.of(known, unknown));
        assertThat(numbers).doesNotContainKey(unknown);
        assertThat(numbers.getOrDefault(known, 3L)).isEqualTo(3);
        assertThat(numbers.containsKey(known)).as("it is fast").isEqualTo(isFast());
    }

    /** Whether it knows something without asking a disk far away. */
    protected boolean isFast() {
        return true;
    }

    @Test
    void refuses_a_number_that_is_taken_and_keeps_the_first() {
        ConversationKey key = conversation(TENANT);
        assertThat(store().append(key, commit(1, "first"), 0)).isTrue();
        assertThat(store().append(key, commit(1, "second"), 0)).isFalse();
        assertThat(store().append(key, commit(1, "first"), 0)).isFalse();
        assertThat(store().read(key, 1, Look.CONSISTENT)).containsExactly(commit(1, "first"));
    }

    @Test
    void names_every_conversation_that_there_is() {
        ConversationKey ours = conversation(TENANT);
        ConversationKey theirs = conversation(new TenantId("other-org"));
        append(ours, 2);
        append(theirs, 1);
        await().untilAsserted(
                        () -> { // an index may be some moments behind
                            Set<ConversationKey> all = new HashSet<>();
                            store().each(all::add);
                            assertThat(all).contains(ours, theirs);
                        });
    }

    @Test
    void two_tenants_share_no_conversation() {
        ConversationKey ours = conversation(TENANT);
        ConversationKey theirs = new ConversationKey(new TenantId("other-org"), ours.conversation());
        store().append(ours, commit(1, "ours"), 0);
        assertThat(store().read(theirs, 1, Look.CONSISTENT)).isEmpty();
        assertThat(store().append(theirs, commit(1, "theirs"), 0)).isTrue();
        assertThat(store().read(ours, 1, Look.CONSISTENT)).containsExactly(commit(1, "ours"));
    }

    @Test
    void keeps_a_megabyte_of_any_text_in_one_commit() {
        ConversationKey key = conversation(TENANT);
        Commit.Builder big = commit(1, "é€😀".repeat(40_000)).toBuilder();
        for (int i = 0; i < 3; i++) {
            big.addChanges(commit(1, "x😀" + "y".repeat(250_000)).getChanges(0));
        }
        assertThat(big.build().getSerializedSize()).isGreaterThan(1_000_000);
        assertThat(store().append(key, big.build(), 0)).isTrue();
        assertThat(store().append(key, commit(2, "small"), 1)).isTrue();
        assertThat(store().read(key, 1, Look.CONSISTENT)).containsExactly(big.build(), commit(2, "small"));
        assertThat(store().read(key, 1, Look.FAST)).containsExactly(big.build(), commit(2, "small"));
    }

    @Test
    void keeps_late_answers_of_any_size_beside_slots() {
        ConversationKey key = conversation(TENANT);
        Commit small = commit(1, "first").toBuilder()
                .addChanges(answered("<a>é</a>"))
                .addChanges(commit(1, "second").getChanges(0))
                .addChanges(answered(""))
                .build();
        Commit big = commit(2, "x").toBuilder()
                .addChanges(answered("<a>" + "é😀".repeat(170_000) + "</a>"))
                .build();
        assertThat(big.getSerializedSize()).isGreaterThan(1_000_000);
        assertThat(store().append(key, small, 0)).isTrue();
        assertThat(store().append(key, big, 1)).isTrue();
        assertThat(store().read(key, 1, Look.CONSISTENT)).containsExactly(small, big);
        assertThat(store().read(key, 1, Look.FAST)).containsExactly(small, big);
    }

    private static Change answered(String content) {
        return Change.newBuilder()
                .setAnswered(Answered.newBuilder()
                        .setThread("t")
                        .setMessage("m")
                        .setAnswer(LateAnswer.newBuilder().setContent(content)))
                .build();
    }

    @Test
    void sixteen_racing_writers_lose_and_double_no_commit() throws Exception {
        ConversationKey key = conversation(TENANT);
        int writers = 16;
        int each = 50;
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Integer>> tasks = new ArrayList<>();
            for (int writer = 0; writer < writers; writer++) {
                String name = "writer-" + writer;
                tasks.add(() -> write(key, name, each));
            }
            for (Future<Integer> done : pool.invokeAll(tasks)) {
                assertThat(done.get()).isEqualTo(each);
            }
        }
        List<Commit> commits = store().read(key, 1, Look.CONSISTENT);
        assertThat(commits).hasSize(writers * each);
        Set<String> texts = new HashSet<>();
        for (int i = 0; i < commits.size(); i++) {
            assertThat(commits.get(i).getNumber()).isEqualTo(i + 1);
            texts.add(commits.get(i).getChanges(0).getEntry().getSlot().getEnvelope());
        }
        assertThat(texts).hasSize(writers * each);
        assertThat(store().read(key, 1, Look.FAST)).isEqualTo(commits);
    }

    @ParameterizedTest
    @EnumSource(Order.class)
    void lists_a_tenants_conversations_in_either_order_in_pages_that_neither_repeat_nor_omit(Order order) {
        TenantId tenant = new TenantId("lists-" + Ids.v7().toString().substring(24));
        List<ThreadId> oldestFirst = new ArrayList<>();
        long now = System.currentTimeMillis();
        for (int i = 0; i < 25; i++) {
            ConversationKey key = conversation(tenant);
            // three at a time share a millisecond
            store().append(
                            key,
                            commit(1, "hello").toBuilder()
                                    .setAtMs(now - 60_000 + i / 3)
                                    .build(),
                            0);
            oldestFirst.add(key.conversation());
        }
        store().append(conversation(TENANT), commit(1, "another tenant's"), 0);
        await().untilAsserted(() -> {
            List<Recent> listed = allPages(tenant, order, 4);
            assertThat(listed).isSortedAccordingTo(order);
            assertThat(listed.stream().map(Recent::conversation))
                    .doesNotHaveDuplicates()
                    .containsExactlyInAnyOrderElementsOf(oldestFirst);
        });
    }

    @Test
    void names_the_conversations_that_have_grown() {
        ConversationKey same = conversation(TENANT);
        ConversationKey longer = conversation(TENANT);
        ConversationKey begun = conversation(TENANT);
        ConversationKey absent = conversation(TENANT);
        append(same, 2);
        append(longer, 3);
        append(begun, 1);
        Set<ConversationKey> grown = store().grown(Map.of(same, 2L, longer, 2L, begun, 0L, absent, 0L));
        assertThat(grown).contains(longer, begun);
        if (isExact()) {
            assertThat(grown).containsExactlyInAnyOrder(longer, begun);
        }
        assertThat(store().grown(Map.of())).isEmpty();
    }

    /** Whether it names no conversation that has not grown. */
    protected boolean isExact() {
        return true;
    }

    @Test
    void an_expired_conversation_shows_nothing_and_goes_on() {
        ConversationKey key = conversation(TENANT);
        Commit old = commit(1, "old").toBuilder()
                .setAtMs(NOW - Duration.ofHours(49).toMillis())
                .build();
        assertThat(store().append(key, old, 0)).isTrue();
        expire(key);
        List<Commit> left = store().read(key, 1, Look.CONSISTENT);
        assertThat(left)
                .as("at most where to go on")
                .hasSizeLessThanOrEqualTo(1)
                .allSatisfy(commit -> assertThat(commit.getChangesList()).isEmpty());

        long next = left.isEmpty() ? 1 : left.getLast().getNumber() + 1;
        assertThat(store().append(key, commit(next, "new"), old.getAtMs())).isTrue();

        assertThat(store().append(key, commit(next, "another's"), old.getAtMs()))
                .isFalse();
        assertThat(store().read(key, 1, Look.CONSISTENT)).containsExactly(commit(next, "new"));
        assertThat(store().read(key, 1, Look.FAST)).containsExactly(commit(next, "new"));
    }

    @Test
    void each_tenants_conversations_are_read_and_listed_as_long_as_they_are_kept() {
        String id = Ids.v7().toString().substring(24);
        TenantId briefTenant = new TenantId("brief-" + id);
        TenantId lastingTenant = new TenantId("lasting-" + id);
        ConversationKey brief = conversation(briefTenant);
        ConversationKey lasting = conversation(lastingTenant);
        Commit old = commit(1, "old").toBuilder()
                .setAtMs(NOW - Duration.ofHours(26).toMillis())
                .build();
        Commit older =
                old.toBuilder().setAtMs(NOW - Duration.ofDays(80).toMillis()).build();
        assertThat(store().append(brief, old, 0)).isTrue();
        assertThat(store().append(lasting, older, 0)).isTrue();
        expire(brief);

        assertThat(store().read(lasting, 1, Look.CONSISTENT)).containsExactly(older);
        assertThat(store().read(lasting, 1, Look.FAST)).containsExactly(older);
        assertThat(store().read(brief, 1, Look.CONSISTENT))
                .allSatisfy(commit -> assertThat(commit.getChangesList()).isEmpty());

        ConversationKey listed = conversation(briefTenant);
        assertThat(store().append(listed, commit(1, "new"), 0)).isTrue();
        ConversationKey unlisted = conversation(briefTenant);
        Commit past =
                old.toBuilder().setAtMs(NOW - Duration.ofHours(2).toMillis()).build();
        assertThat(store().append(unlisted, past, 0)).isTrue();
        for (Order order : Order.values()) {
            await().untilAsserted(() -> assertThat(
                            allPages(briefTenant, order, 4).stream().map(Recent::conversation))
                    .containsExactly(listed.conversation()));
            await().untilAsserted(() -> assertThat(
                            allPages(lastingTenant, order, 4).stream().map(Recent::conversation))
                    .containsExactly(lasting.conversation()));
        }
    }

    @Test
    void an_erased_conversation_holds_nothing_and_its_numbers_stay_taken() {
        TenantId tenant = new TenantId("erases-" + Ids.v7().toString().substring(24));
        ConversationKey key = conversation(tenant);
        append(key, 1);
        Commit big = commit(2, "forget me".repeat(100_000));
        assertThat(store().append(key, big, NOW)).isTrue();
        append(key, 3, 28);
        ConversationKey other = conversation(tenant);
        List<Commit> others = append(other, 2);
        Commit erasure = Commit.newBuilder()
                .setNumber(29)
                .setAtMs(NOW)
                .setSequenceBefore(28)
                .addChanges(Change.newBuilder().setErased(Erased.getDefaultInstance()))
                .setStops(true)
                .build();
        assertThat(store().append(key, erasure, NOW)).isTrue();

        for (String time : List.of("once", "again")) {
            assertThat(store().erase(key, erasure)).as(time).isTrue();
            for (Look look : Look.values()) {
                List<Commit> left = store().read(key, 1, look);
                assertThat(left).last().isEqualTo(erasure);
                assertThat(left.subList(0, left.size() - 1))
                        .allSatisfy(
                                commit -> assertThat(commit.getChangesList()).isEmpty());
                assertThat(store().read(key, 20, look)).last().isEqualTo(erasure);
            }
        }
        for (int number : new int[] {1, 2, 17, 28, 29}) {
            assertThat(store().append(key, commit(number, "a stale writer's"), NOW))
                    .as("number " + number)
                    .isFalse();
        }
        assertThat(store().read(other, 1, Look.CONSISTENT)).isEqualTo(others);
        await().untilAsserted(() -> assertThat(
                        allPages(tenant, Order.NEWEST_FIRST, 4).stream().map(Recent::conversation))
                .containsExactly(other.conversation()));
    }

    /** A store that asks its shards for a few each has to ask this one again. */
    @Test
    void lists_in_order_although_most_are_of_one_shard() {
        TenantId tenant = new TenantId("lopsided-" + Ids.v7().toString().substring(24));
        List<ThreadId> listed = new ArrayList<>();
        for (int i = 0; listed.size() < 30; i++) {
            ConversationKey key = conversation(tenant);
            boolean first = ShardKey.of(key.conversation(), ShardKey.SHARDS) == 0;
            if (first || i % 50 == 0) {
                Commit commit = commit(1, "x").toBuilder()
                        .setAtMs(NOW - Duration.ofMinutes(listed.size()).toMillis())
                        .build();
                assertThat(store().append(key, commit, 0)).isTrue();
                listed.add(key.conversation());
            }
        }
        for (int limit : new int[] {1, 7, 25, 100}) {
            await().untilAsserted(() -> assertThat(
                            allPages(tenant, Order.NEWEST_FIRST, limit).stream().map(Recent::conversation))
                    .as("limit " + limit)
                    .isEqualTo(listed));
            assertThat(allPages(tenant, Order.OLDEST_FIRST, limit).stream().map(Recent::conversation))
                    .as("limit " + limit)
                    .isEqualTo(listed.reversed());
        }
    }

    @Test
    void pruning_loses_nothing() {
        ConversationKey key = conversation(TENANT);
        List<Commit> commits = append(key, 3);
        Pruning pruning =
                new Pruning(0, 3, commit -> commit.toBuilder().clearChanges().build(), 0);
        long freed = store().prune(key, pruning);
        assertThat(freed).isNotNegative();
        assertThat(store().prune(key, pruning)).as("again").isZero();
        assertThat(store().read(key, 1, Look.CONSISTENT)).isEqualTo(commits);
        assertThat(store().read(key, 1, Look.FAST))
                .extracting(Commit::getNumber)
                .containsExactly(1L, 2L, 3L);
        assertThat(store().append(key, commit(4, "four"), NOW)).isTrue();
        assertThat(store().read(key, 4, Look.FAST)).containsExactly(commit(4, "four"));
        assertThat(store().prune(conversation(TENANT), pruning))
                .as("there is none")
                .isZero();
    }

    @Test
    void a_page_that_begins_before_all_that_is_kept_is_empty() {
        TenantId tenant = new TenantId("with-an-old-cursor");
        ConversationKey key = conversation(tenant);
        append(key, 1);

        RecentConversations page =
                store().recent(tenant, Order.NEWEST_FIRST, 10, Optional.of(new Recent(1, key.conversation())));

        assertThat(page).isEqualTo(new RecentConversations(List.of(), Optional.empty()));
    }

    @Test
    void works_when_it_is_checked() {
        store().check();
    }

    protected static ConversationKey conversation(TenantId tenant) {
        return new ConversationKey(tenant, new ThreadId(Ids.v7()));
    }

    protected static Commit commit(long number, String envelope) {
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(NOW)
                .addChanges(Change.newBuilder()
                        .setEntry(Entry.newBuilder().setSlot(Slot.newBuilder().setEnvelope(envelope))))
                .build();
    }

    protected final List<Commit> append(ConversationKey key, int count) {
        return append(key, 1, count);
    }

    private List<Commit> append(ConversationKey key, int first, int last) {
        List<Commit> commits = new ArrayList<>();
        for (int number = first; number <= last; number++) {
            Commit commit = commit(number, "<message>" + number + "</message>");
            assertThat(store().append(key, commit, number == 1 ? 0 : commit.getAtMs()))
                    .isTrue();
            commits.add(commit);
        }
        return commits;
    }

    private List<Recent> allPages(TenantId tenant, Order order, int limit) {
        List<Recent> all = new ArrayList<>();
        Optional<Recent> from = Optional.empty();
        do {
            RecentConversations page = store().recent(tenant, order, limit, from);
            assertThat(page.conversations()).hasSizeLessThanOrEqualTo(limit);
            all.addAll(page.conversations());
            from = page.next();
        } while (from.isPresent());
        return all;
    }

    private int write(ConversationKey key, String name, int count) {
        long next = 1;
        int written = 0;
        while (written < count) {
            if (store().append(key, commit(next, name + " " + written), 1)) {
                written++;
                next++;
            } else {
                next += store().read(key, next, Look.CONSISTENT).size();
            }
        }
        return written;
    }
}
