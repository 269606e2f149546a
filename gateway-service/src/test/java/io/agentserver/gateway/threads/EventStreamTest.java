package io.agentserver.gateway.threads;

import io.agentserver.buffer.v1.CaughtUp;
import io.agentserver.buffer.v1.Erased;
import io.agentserver.buffer.v1.Gap;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.Turn;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.WatchEvent;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class EventStreamTest {

    @Test
    void writes_a_slot_as_one_event_with_its_sequence() {
        EventStream stream = new EventStream(null, null);
        String text = stream.take(client(1, "t1"));

        assertThat(text)
                .startsWith("event: slot\nid: 1\ndata: {\"sequence\":1,")
                .endsWith("}\n\n");
        assertThat(text.lines().filter(line -> line.startsWith("data: "))).hasSize(1);
        assertThat(text).contains("\"at\":\"1970-01-01T00:00:00.007Z\"", "\"state\":\"sent\"");
    }

    @Test
    void is_done_when_it_has_caught_up_with_an_ended_turn() {
        EventStream stream = new EventStream(null, null);
        stream.take(client(1, "t1"));
        stream.take(output(2, "t1"));
        stream.take(ended("t1"));
        assertThat(stream.isDone()).isFalse();
        stream.take(caughtUp(""));
        assertThat(stream.isDone()).isTrue();
        assertThat(stream.done()).isEqualTo("event: done\ndata: {\"last_sequence\":2}\n\n");
    }

    @Test
    void waits_for_the_first_slot_of_a_conversation_that_has_none_yet() {
        EventStream stream = new EventStream(null, null);
        stream.take(caughtUp(""));
        assertThat(stream.isDone()).isFalse();
        stream.take(client(1, "t1"));
        assertThat(stream.isDone()).isFalse();
        stream.take(ended("t1"));
        assertThat(stream.isDone()).isTrue();
    }

    @Test
    void is_done_at_once_when_a_client_resumes_and_no_turn_is_open() {
        EventStream stream = new EventStream(null, 4L);
        assertThat(stream.lastSequence()).isEqualTo(4);
        stream.take(caughtUp(""));
        assertThat(stream.isDone()).isTrue();
    }

    @Test
    void is_done_whatever_it_waits_for_when_the_conversation_is_erased() {
        for (String turn : new String[] {null, "t1"}) {
            EventStream stream = new EventStream(turn, null);
            stream.take(client(1, "t1"));
            stream.take(caughtUp("t1"));
            assertThat(stream.isDone()).isFalse();
            assertThat(stream.take(WatchEvent.newBuilder()
                            .setErased(Erased.getDefaultInstance())
                            .build()))
                    .isEmpty();
            assertThat(stream.isDone()).isTrue();
        }
    }

    @Test
    void goes_on_while_another_turn_is_queued() {
        EventStream stream = new EventStream(null, null);
        stream.take(client(1, "t0"));
        stream.take(client(2, "t1"));
        stream.take(queued(3, "t2"));
        stream.take(caughtUp("t1"));
        stream.take(ended("t1"));
        assertThat(stream.isDone()).isFalse();
        stream.take(ended("t2"));
        assertThat(stream.isDone()).isTrue();
    }

    @Test
    void ends_with_the_turn_that_it_was_asked_for() {
        EventStream stream = new EventStream("t1", null);
        stream.take(client(1, "t1"));
        stream.take(queued(2, "t2"));
        stream.take(caughtUp("t1"));
        stream.take(ended("t1"));
        assertThat(stream.isDone()).isTrue();
        assertThat(stream.done()).contains("\"turn\":\"t1\"");
    }

    @Test
    void ends_with_a_turn_that_had_ended_before_it_was_resumed() {
        EventStream stream = new EventStream("t1", 9L);
        stream.take(caughtUp("t2"));
        assertThat(stream.isDone()).isFalse();
        stream.turnHasEnded();
        assertThat(stream.isDone()).isTrue();
    }

    @Test
    void tells_of_a_gap_and_sends_no_slot_twice() {
        EventStream stream = new EventStream(null, null);
        assertThat(stream.take(WatchEvent.newBuilder()
                        .setGap(Gap.newBuilder().setThrough(5))
                        .build()))
                .isEqualTo("event: gap\ndata: {\"through\":5}\n\n");
        assertThat(stream.take(output(5, "t1"))).isEmpty();
        assertThat(stream.take(output(6, "t1"))).isNotEmpty();
        assertThat(stream.take(output(6, "t1"))).isEmpty();
        assertThat(stream.lastSequence()).isEqualTo(6);
    }

    private static WatchEvent client(long sequence, String turn) {
        return event(slot(sequence, turn));
    }

    private static WatchEvent queued(long sequence, String turn) {
        return event(slot(sequence, turn).setState(SlotState.QUEUED));
    }

    private static WatchEvent output(long sequence, String turn) {
        return event(slot(sequence, turn).setCause(turn));
    }

    private static Slot.Builder slot(long sequence, String turn) {
        return Slot.newBuilder()
                .setSequence(sequence)
                .setMessage("m" + sequence)
                .setTurn(turn)
                .setAtMs(7)
                .setState(SlotState.SENT)
                .setEnvelope("<message>\n</message>");
    }

    private static WatchEvent event(Slot.Builder slot) {
        return WatchEvent.newBuilder().setSlot(slot).build();
    }

    private static WatchEvent ended(String turn) {
        return WatchEvent.newBuilder()
                .setTurnEnded(Turn.newBuilder().setId(turn).setState(TurnState.TURN_ENDED))
                .build();
    }

    private static WatchEvent caughtUp(String openTurn) {
        return WatchEvent.newBuilder()
                .setCaughtUp(CaughtUp.newBuilder().setOpenTurn(openTurn).setFound(true))
                .build();
    }
}
