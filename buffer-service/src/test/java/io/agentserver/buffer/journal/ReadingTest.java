package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.ConversationState;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Thread;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.WatchEvent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** What readers and watchers see. */
class ReadingTest {
    private final Conversing talk = conversing();
    private final ConversationReader reader = new ConversationReader(talk.journal, talk.store, talk.wakeups);

    Conversing conversing() {
        return new Conversing();
    }

    @AfterEach
    void endWatches() {
        talk.wakeups.close();
    }

    @Test
    void a_conversation_is_open_while_a_turn_is_and_idle_after_it() {
        assertThat(read(0, 10).getFound()).isFalse();
        Emission shout =
                talk.handle(talk.first, talk.handOver(talk.first, "shouter")).getFirst();
        ReadReply open = read(0, 10);
        assertThat(open.getConversation().getState()).isEqualTo(ConversationState.OPEN);
        assertThat(open.getConversation().getOpenTurn()).isEqualTo(talk.first.getMessage());
        talk.handle(shout, talk.respond(shout));

        ReadReply idle = read(1, 1);
        assertThat(idle.getConversation().getState()).isEqualTo(ConversationState.IDLE);
        assertThat(idle.getConversation().getTo()).isEqualTo("boss");
        assertThat(idle.getConversation().getTokens().getInput()).isEqualTo(20);
        assertThat(idle.getConversation().getThreadsList())
                .extracting(Thread::getListener, Thread::getClosed)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("boss", false),
                        org.assertj.core.groups.Tuple.tuple("shouter", true));
        assertThat(idle.getSlotsList()).extracting(Slot::getSequence).containsExactly(2L);
        assertThat(read(0, 0).getSlotsList()).as("only the state").isEmpty();
        ReadReply ofOne = reader.read(
                talk.key,
                ReadRequest.newBuilder()
                        .setLimit(10)
                        .setThread(shout.getThread())
                        .build());
        assertThat(ofOne.getSlotsList()).extracting(Slot::getTo).containsExactly("shouter");
    }

    @Test
    void a_message_is_found_by_its_id_with_the_turn_that_it_opened() {
        Emission shout =
                talk.handle(talk.first, talk.handOver(talk.first, "shouter")).getFirst();
        ReadReply first = readMessage("", talk.first.getMessage(), 0, 1);
        assertThat(first.getSlotsList()).extracting(Slot::getSequence).containsExactly(1L);
        assertThat(first.getConversation().getTurnsList())
                .extracting(io.agentserver.buffer.v1.Turn::getId)
                .containsExactly(talk.first.getMessage());
        assertThat(first.getConversation().getThreadsList()).isEmpty();
        assertThat(readMessage("", talk.first.getMessage(), 0, 0).getSlotsList())
                .as("only the turn")
                .isEmpty();
        ReadReply inner = readMessage(shout.getThread(), shout.getMessage(), 0, 1);
        assertThat(inner.getSlotsList()).extracting(Slot::getSequence).containsExactly(2L);
        assertThat(inner.getConversation().getTurnsList()).isEmpty();
        ReadReply other = readMessage("", shout.getMessage(), 0, 1);
        assertThat(other.getFound()).isTrue();
        assertThat(other.getSlotsList()).as("it is in another thread").isEmpty();
        assertThatThrownBy(() -> readMessage("", "no id", 0, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_read_waits_for_a_message_that_is_on_its_way() {
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<ReadReply> reply =
                    CompletableFuture.supplyAsync(() -> readMessage("", talk.first.getMessage(), 5_000, 0), pool);
            talk.begin(talk.first);
            assertThat(reply.join().getConversation().getTurnsList()).hasSize(1);
        }
    }

    @Test
    void a_brief_state_has_neither_threads_nor_turns() {
        talk.begin(talk.first);
        ReadReply brief = reader.read(
                talk.key, ReadRequest.newBuilder().setLimit(10).setBrief(true).build());
        assertThat(brief.getSlotsList()).hasSize(1);
        assertThat(brief.getConversation().getLastSequence()).isEqualTo(1);
        assertThat(brief.getConversation().getThreadsList()).isEmpty();
        assertThat(brief.getConversation().getTurnsList()).isEmpty();
    }

    private ReadReply readMessage(String thread, String message, int waitMs, int limit) {
        return reader.read(
                talk.key,
                ReadRequest.newBuilder()
                        .setThread(thread)
                        .setMessage(message)
                        .setWaitMs(waitMs)
                        .setLimit(limit)
                        .build());
    }

    @Test
    void a_read_waits_for_a_conversation_that_is_on_its_way() {
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<ReadReply> reply = CompletableFuture.supplyAsync(
                    () -> reader.read(
                            talk.key,
                            ReadRequest.newBuilder()
                                    .setLimit(10)
                                    .setWaitMs(5_000)
                                    .build()),
                    pool);
            talk.begin(talk.first);
            assertThat(reply.join().getSlotsList()).hasSize(1);
        }
    }

    @Test
    void a_turn_is_waited_for_and_its_response_told() {
        BeginReply begun = talk.begin(talk.first);
        assertThat(awaitTurn(talk.first, 0).getEnded()).isFalse();
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<AwaitTurnReply> reply =
                    CompletableFuture.supplyAsync(() -> awaitTurn(talk.first, 30_000), pool);
            talk.complete(talk.first, talk.respond(talk.first, begun));
            assertThat(reply.join().getTurn().getState()).isEqualTo(TurnState.TURN_ENDED);
            assertThat(reply.join().getResponse().getSequence()).isEqualTo(2);
        }
    }

    @Test
    void a_watcher_sees_each_slot_once_and_the_turns_end_after_its_response() {
        Watching watching = watch(0);
        await().until(() -> watching.seen().equals(List.of("caught up 0 unknown")));
        BeginReply begun = talk.begin(talk.first);
        talk.begin(talk.clientMessage());
        talk.complete(talk.first, talk.respond(talk.first, begun));
        await().untilAsserted(() -> assertThat(watching.seen())
                .containsExactly("caught up 0 unknown", "slot 1", "slot 2", "slot 3", "ended 3"));
    }

    @Test
    void a_watcher_that_comes_later_gets_it_replayed() {
        talk.handle(talk.first, talk.respond(talk.first));
        Emission second = talk.clientMessage();
        talk.handle(second, talk.respond(second));
        Emission third = talk.clientMessage();
        talk.begin(third);
        String open = " " + third.getMessage();
        seenBy(watch(0), "slot 1", "slot 2", "ended 2", "slot 3", "slot 4", "ended 4", "slot 5", "caught up 5" + open);
        seenBy(watch(2), "ended 2", "slot 3", "slot 4", "ended 4", "slot 5", "caught up 5" + open);
        seenBy(watch(3), "slot 4", "ended 4", "slot 5", "caught up 5" + open);
        seenBy(watch(5), "caught up 5" + open);
    }

    @Test
    void a_watcher_of_a_long_conversation_gets_all_of_it() {
        Emission message = talk.first;
        for (int i = 0; i < 450; i++) {
            message = talk.handle(message, talk.toItself(message, 0)).getFirst();
        }
        Watching watching = watch(0);
        await().until(() -> watching.seen().size() == 452);
        assertThat(watching.seen().get(450)).isEqualTo("slot 451");
    }

    @Test
    void a_watcher_hears_by_the_poll_of_what_no_wake_up_told() {
        Watching watching = watch(0);
        await().until(() -> !watching.seen().isEmpty());
        ConversationJournal other = new ConversationJournal(
                talk.store,
                new MemoryDueStore(),
                new Wakeups(),
                Retention.ofAll(Duration.ofHours(24)),
                1_000_000,
                talk.clock);
        other.begin(talk.key, talk.beginning(talk.first).build());
        await().until(() -> watching.seen().contains("slot 1"));
    }

    @Test
    void what_is_older_than_the_ttl_is_hidden_and_the_conversation_goes_on_at_its_next_sequence() {
        talk.handle(talk.first, talk.respond(talk.first));
        talk.clock.move(Duration.ofHours(25));
        assertThat(read(0, 10).getFound()).isFalse();
        Emission second = talk.clientMessage();
        talk.begin(second);
        assertThat(read(0, 10).getSlotsList()).extracting(Slot::getSequence).containsExactly(3L);
        Watching watching = watch(0);
        await().until(() -> watching.seen().size() >= 3);
        assertThat(watching.seen()).startsWith("gap 2").contains("slot 3");
    }

    private ReadReply read(long after, int limit) {
        return reader.read(
                talk.key,
                ReadRequest.newBuilder().setAfter(after).setLimit(limit).build());
    }

    private AwaitTurnReply awaitTurn(Emission message, int waitMs) {
        return reader.awaitTurn(
                talk.key,
                AwaitTurnRequest.newBuilder()
                        .setTurn(message.getMessage())
                        .setWaitMs(waitMs)
                        .build());
    }

    private static void seenBy(Watching watching, String... events) {
        await().untilAsserted(() -> assertThat(watching.seen()).containsExactly(events));
    }

    private Watching watch(long after) {
        Watching watching = new Watching();
        ConversationKey key = talk.key;
        java.lang.Thread.ofVirtual()
                .start(new ConversationWatch(talk.journal, talk.wakeups, key, after, _ -> false, watching)::run);
        return watching;
    }

    private static final class Watching implements ConversationWatch.Watcher {
        private final List<WatchEvent> events = new CopyOnWriteArrayList<>();

        @Override
        public void send(WatchEvent event) {
            events.add(event);
        }

        @Override
        public boolean isGone() {
            return false;
        }

        List<String> seen() {
            return events.stream()
                    .map(event -> switch (event.getEventCase()) {
                        case SLOT -> "slot " + event.getSlot().getSequence();
                        case TURN_ENDED -> "ended " + event.getTurnEnded().getResponseSequence();
                        case GAP -> "gap " + event.getGap().getThrough();
                        case CAUGHT_UP ->
                            "caught up " + event.getCaughtUp().getSequence() + " "
                                    + (event.getCaughtUp().getFound()
                                            ? event.getCaughtUp().getOpenTurn()
                                            : "unknown");
                        case ERASED -> "erased";
                        case EVENT_NOT_SET -> "nothing";
                    })
                    .toList();
        }
    }
}
