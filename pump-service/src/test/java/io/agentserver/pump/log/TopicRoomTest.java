package io.agentserver.pump.log;

import io.agentserver.pump.flow.LogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(30)
class TopicRoomTest {
    private final TopicRoom room = new TopicRoom(100);

    @Test
    void a_topic_that_is_full_keeps_nothing_from_another() throws Exception {
        TopicRoom.Taken first = room.take(List.of(record("a", 60), record("a", 40)), soon());
        assertThatThrownBy(() -> room.take(List.of(record("a", 1)), System.nanoTime()))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("100 bytes of a");
        room.take(List.of(record("b", 100)), soon()).close();
        assertThatThrownBy(() -> room.take(List.of(record("a", 1), record("b", 1)), System.nanoTime()))
                .isInstanceOf(TimeoutException.class);
        room.take(List.of(record("b", 100)), soon()).close();
        first.close();
        room.take(List.of(record("a", 100)), soon()).close();
    }

    @Test
    void more_than_a_topics_room_goes_by_itself() throws Exception {
        room.take(List.of(record("a", 150), record("a", 150)), soon()).close();
        room.take(List.of(record("a", 100)), soon()).close();
    }

    private static long soon() {
        return System.nanoTime() + 20_000_000_000L;
    }

    private static LogRecord record(String topic, int bytes) {
        return new LogRecord(topic, new byte[1], new byte[bytes], Map.of());
    }
}
