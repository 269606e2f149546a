package io.agentserver.buffer.journal;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Who gets what is due, and what holds nobody up. */
class DueIndexTest {
    private static final int MIB = 1024 * 1024;

    private final TestClock clock = new TestClock(Conversing.START);
    private final ThreadStore memory = new MemoryThreadStore(Retention.ofAll(Duration.ofHours(24)), clock);
    private final Set<ConversationKey> sick = new HashSet<>();
    private final Set<Integer> sickShards = new HashSet<>();
    private final MemoryDueStore due = new MemoryDueStore();
    private long nanos;
    private Duration eachRead = Duration.ZERO;
    private final List<String> released = new ArrayList<>();
    private final ConversationJournal journal = new ConversationJournal(
            withSick(memory), due, new Wakeups(), Retention.ofAll(Duration.ofHours(24)), 100_000_000, clock);
    private final DueIndex index = new DueIndex(withSickShards(), leases(), journal, _ -> false, clock, () -> nanos);

    @Test
    void a_conversation_that_the_store_does_not_give_holds_up_no_other() {
        ConversationKey broken = parked("acme", 10);
        parked("acme", 10);
        parked("other", 10);
        clock.move(Duration.ofMinutes(1));
        sick.add(broken);

        assertThat(take(asking()).getItemsList()).hasSize(2);

        sick.clear();
        clock.move(Duration.ofSeconds(2));
        assertThat(take(asking()).getItemsList()).as("it was left for a while").hasSize(3);
    }

    @Test
    void a_shard_that_cannot_be_read_holds_up_no_other_and_all_are_an_error() {
        ConversationKey one = parked("acme", 10);
        ConversationKey two = parked("acme", 10);
        while (shard(two) == shard(one)) {
            two = parked("acme", 10);
        }
        clock.move(Duration.ofMinutes(1));
        sickShards.add(shard(one));
        String done = entry(one).key();

        assertThat(take(asking().addDone(done)).getItemsList())
                .extracting(item -> DueEntry.parse(item.getKey()).conversation())
                .contains(two)
                .doesNotContain(one);

        for (int shard = 0; shard < ShardKey.SHARDS; shard++) {
            sickShards.add(shard);
        }
        assertThatThrownBy(() -> take(asking())).isInstanceOf(StoreUnavailableException.class);
        sickShards.clear();
        assertThat(take(asking()).getItemsList())
                .extracting(DueItem::getKey)
                .as("it was not forgotten")
                .contains(done);
    }

    @Test
    void a_store_that_takes_half_a_second_for_each_shard_hands_out_what_was_found_and_the_rest_in_turn() {
        Set<ConversationKey> all = new HashSet<>();
        for (int i = 0; i < 20; i++) {
            all.add(parked("acme", 10));
        }
        clock.move(Duration.ofMinutes(1));
        eachRead = Duration.ofMillis(500);
        Set<ConversationKey> got = new HashSet<>();
        for (int question = 0; question < ShardKey.SHARDS; question++) {
            take(asking())
                    .getItemsList()
                    .forEach(item -> got.add(DueEntry.parse(item.getKey()).conversation()));
        }
        assertThat(got).isEqualTo(all);
    }

    @Test
    void a_reply_has_at_most_8_mib_and_the_rest_comes_later() {
        for (int i = 0; i < 20; i++) {
            parked("acme", MIB);
        }
        clock.move(Duration.ofMinutes(1));
        Set<String> got = new HashSet<>();
        List<String> done = List.of();
        while (got.size() < 20) {
            DueReply reply = take(asking().addAllDone(done));
            assertThat(reply.getSerializedSize()).isBetween(1, 8 * MIB);
            done = keys(reply);
            assertThat(got).doesNotContainAnyElementsOf(done);
            got.addAll(done);
        }
    }

    @Test
    void one_item_that_is_over_8_mib_comes_by_itself() {
        parked("acme", 9 * MIB);
        parked("other", 10);
        clock.move(Duration.ofMinutes(1));
        assertThat(take(asking()).getItemsList()).hasSize(1);
    }

    @Test
    void tenants_come_in_turn_however_much_of_one_has_been_due_for_longer() {
        for (int i = 0; i < 60; i++) {
            parked("loud", 10);
        }
        clock.move(Duration.ofSeconds(1));
        parked("quiet", 10);
        clock.move(Duration.ofMinutes(1));
        assertThat(tenants(take(asking().setLimit(4)))).containsExactly("loud", "quiet", "loud", "loud");
    }

    @Test
    void of_one_tenant_come_as_many_as_the_caller_takes_and_none_that_it_holds() {
        for (int i = 0; i < 10; i++) {
            parked("acme", 10);
        }
        parked("other", 10);
        clock.move(Duration.ofMinutes(1));
        DueReply first = take(asking().setTenantLimit(3));
        assertThat(tenants(first)).containsExactlyInAnyOrder("acme", "acme", "acme", "other");

        DueReply second = take(asking().addAllHeld(keys(first)));
        assertThat(tenants(second)).hasSize(7).containsOnly("acme");

        assertThat(tenants(take(asking().addFull("acme")))).containsExactly("other");
    }

    @Test
    void who_is_behind_more_than_a_window_of_a_full_tenants_comes_all_the_same() {
        ConversationKey other = parked("other", 10);
        int entries = 0;
        while (entries < 3_000) {
            DueEntry entry = anEntry("loud", clock.millis() - 1);
            if (entry.shard() == shard(other)) {
                due.put(entry);
                entries++;
            }
        }
        clock.move(Duration.ofMinutes(1));
        assertThat(tenants(take(asking().addFull("loud")))).containsExactly("other");
    }

    @Test
    void who_leaves_frees_its_shards_and_gets_nothing() {
        ConversationKey key = parked("acme", 10);
        clock.move(Duration.ofMinutes(1));
        DueReply reply = take(asking().addDone(entry(key).key()).setLeaves(true));
        assertThat(reply.getItemsList()).isEmpty();
        assertThat(released).containsExactly("pump");
        assertThat(take(asking()).getItemsList()).isEmpty();
    }

    private static DueRequest.Builder asking() {
        return DueRequest.newBuilder().setOwner("pump").setLimit(100);
    }

    private DueReply take(DueRequest.Builder request) {
        return index.take(request.build());
    }

    private static List<String> keys(DueReply reply) {
        return reply.getItemsList().stream().map(DueItem::getKey).toList();
    }

    private static List<String> tenants(DueReply reply) {
        return reply.getItemsList().stream().map(DueItem::getTenant).toList();
    }

    private static int shard(ConversationKey key) {
        return ShardKey.of(key.conversation(), ShardKey.SHARDS);
    }

    private DueEntry entry(ConversationKey key) {
        return Stream.iterate(0, shard -> shard < ShardKey.SHARDS, shard -> shard + 1)
                .flatMap(shard -> due.due(shard, Long.MAX_VALUE, 1_000).stream())
                .filter(entry -> entry.conversation().equals(key))
                .findFirst()
                .orElseThrow();
    }

    private DueEntry anEntry(String tenant, long dueMs) {
        MessageId id = new MessageId(Conversing.idOf(clock.instant()));
        ThreadId thread = ThreadId.ofFirstMessage(new TenantId(tenant), id);
        return new DueEntry(new ConversationKey(new TenantId(tenant), thread), thread, id, dueMs);
    }

    /** A conversation whose first message sleeps for a minute. */
    private ConversationKey parked(String tenant, int bytes) {
        DueEntry entry = anEntry(tenant, clock.millis());
        ConversationKey key = entry.conversation();
        BeginRequest request = BeginRequest.newBuilder()
                .setTenant(tenant)
                .setConversation(key.conversation().toString())
                .setThread(key.conversation().toString())
                .setMessage(entry.message().toString())
                .setEnvelope("x".repeat(bytes))
                .setDigest(ByteString.copyFromUtf8("digest"))
                .setClient(true)
                .setFrom("client")
                .setTo("boss")
                .setRoot("Order")
                .setOrganismVersion(7)
                .setTakesAnswers(true)
                .build();
        assertThat(journal.begin(key, request).getVerdict()).isEqualTo(Verdict.RUN);
        journal.park(
                key,
                ParkRequest.newBuilder()
                        .setThread(request.getThread())
                        .setMessage(request.getMessage())
                        .setParking(Parking.newBuilder()
                                .setUntilMs(
                                        clock.millis() + Duration.ofMinutes(1).toMillis()))
                        .build());
        return key;
    }

    /** The store, but for the conversations that it does not give. */
    private ThreadStore withSick(ThreadStore store) {
        return (ThreadStore) Proxy.newProxyInstance(
                ThreadStore.class.getClassLoader(), new Class<?>[] {ThreadStore.class}, (_, method, arguments) -> {
                    if (arguments != null && Stream.of(arguments).anyMatch(sick::contains)) {
                        throw new StoreUnavailableException("a store", new IllegalStateException("throttled"));
                    }
                    try {
                        return method.invoke(store, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause() == null ? e : e.getCause();
                    }
                });
    }

    private DueStore withSickShards() {
        return new DueStore() {
            @Override
            public void put(DueEntry entry) {
                due.put(entry);
            }

            @Override
            public void remove(DueEntry entry) {
                requireWell(entry.shard());
                due.remove(entry);
            }

            @Override
            public List<DueEntry> due(int shard, long nowMs, int limit) {
                requireWell(shard);
                nanos += eachRead.toNanos();
                return due.due(shard, nowMs, limit);
            }

            @Override
            public void check() {}
        };
    }

    private void requireWell(int shard) {
        if (sickShards.contains(shard)) {
            throw new StoreUnavailableException("a shard", new IllegalStateException("moved"));
        }
    }

    private Leases leases() {
        return new Leases() {
            @Override
            public List<Integer> renew(String owner) {
                return NOBODY_ELSE.renew(owner);
            }

            @Override
            public void release(String owner) {
                released.add(owner);
            }
        };
    }
}
