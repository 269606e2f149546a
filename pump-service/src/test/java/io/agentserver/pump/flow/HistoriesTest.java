package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.TenantId;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.service.FairGate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** How much history handlers hold while they run. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HistoriesTest extends FlowFixture {
    private static final String GREETING = "<Greeting><Name>Ann</Name></Greeting>";

    @Test
    void asks_for_no_more_history_than_the_model_is_told() {
        llm = _ -> done(new HandlerOutput.Respond("<ok/>"));
        step(client(null, GREETING));
        assertThat(journal.begun.getLast().getHistorySlots()).isEqualTo(50);
        assertThat(journal.begun.getLast().getHistoryBytes()).isEqualTo(50 * 4096 + 8_000 * 12);
        assertThat(journal.begun.getLast().getHistoryTokens()).isEqualTo(8_000);
    }

    @Test
    void what_a_handler_holds_of_history_counts_until_it_has_ended() {
        Slot slot = Slot.newBuilder().setEnvelope("x".repeat(10_000)).build();
        ThreadBuffer buffer = new ForwardingBuffer(journal) {
            @Override
            public BeginReply begin(BeginRequest request) {
                return super.begin(request).toBuilder().addHistory(slot).build();
            }
        };
        List<Long> held = new ArrayList<>();
        llm = _ -> {
            held.add(histories.taken());
            return done(new HandlerOutput.Respond("<ok/>"));
        };
        handle(client(null, GREETING), buffer);
        assertThat(held).containsExactly((long) slot.getSerializedSize());
        assertThat(histories.taken()).isZero();
    }

    @Test
    void without_room_a_lane_waits_with_nothing_read_and_no_place() throws InterruptedException {
        histories = new HistoryRoom(500_000);
        gate = new FairGate<>(1, _ -> 1);
        llm = _ -> done(new HandlerOutput.Respond("<ok/>"));
        HistoryRoom.Taken all = histories.take(DEMO, 500_000, () -> false);
        Thread lane = Thread.ofVirtual().start(() -> step(client(null, GREETING)));
        while (histories.waiting() == 0) {
            Thread.onSpinWait();
        }
        gate.inside(new TenantId("other"), () -> "it has its turn");
        assertThat(journal.begun).isEmpty();

        all.close();
        lane.join();
        assertThat(journal.completed).hasSize(1);
    }

    @Test
    void a_turn_of_another_version_is_begun_again_without_holding_room_for_both() {
        histories = new HistoryRoom(300_800);
        journal.bindTurnsTo(2);
        llm = _ -> done(new HandlerOutput.Respond("<ok/>"));
        step(client(null, GREETING));
        assertThat(journal.begun).extracting(BeginRequest::getHistorySlots).containsExactly(50, 3);
        assertThat(journal.completed).hasSize(1);
    }
}
