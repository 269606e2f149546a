package io.agentserver.standalone.faults;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class WindowsTest {
    private static final Instant BEGIN = Instant.parse("2026-12-01T00:00:00Z");

    private final List<History.Line> history = new ArrayList<>();

    @Test
    void a_fault_is_at_work_from_its_beginning_to_a_calls_length_after_all_are_ready() {
        fault(Fault.CRASH, 0, "pump-1 at passing 1 of PUMP_AFTER_MODEL");
        ready(10);
        fault(Fault.KILL_ROUTER, 20, "llm-1");
        history.add(line("client-1", "send", History.Type.INVOKE, 23, ""));
        ready(30);
        ready(100);
        Windows windows = Windows.breakOffs(history);

        assertThat(windows.all()).hasSize(1);
        assertThat(windows.touch(at(0), at(19))).as("before it").isFalse();
        assertThat(windows.touch(at(0), at(20))).isTrue();
        assertThat(windows.touch(at(25), at(26))).isTrue();
        assertThat(windows.touch(at(0), at(200))).as("around it").isTrue();
        assertThat(windows.touch(at(50), at(60)))
                .as("begun before all were ready")
                .isTrue();
        assertThat(windows.touch(at(51), at(60))).as("after it").isFalse();
    }

    @Test
    void one_that_comes_while_another_lasts_ends_with_it() {
        fault(Fault.WIPE_REDIS, 0, "");
        fault(Fault.KILL_REDIS, 10, "");
        ready(30);
        assertThat(Windows.breakOffs(history).all())
                .containsExactly(new Windows.Window(at(0), at(50)), new Windows.Window(at(10), at(50)));
        assertThat(Windows.of(history, (fault, _) -> fault == Fault.WIPE_REDIS).all())
                .containsExactly(new Windows.Window(at(0), at(50)));
    }

    @Test
    void one_that_nobody_saw_healed_lasts_for_ever() {
        fault(Fault.KILL_BROKER, 5, "");
        assertThat(Windows.breakOffs(history).all()).containsExactly(new Windows.Window(at(5), Instant.MAX));
    }

    @Test
    void a_network_breaks_answers_off_on_the_routers_ways_alone() {
        fault(Fault.NETWORK, 0, "buffer-1 to redis, Partition[], 49 threads at the end");
        fault(Fault.NETWORK, 10, "pump-2 to llm, Resets[percent=3], 49 threads at the end");
        fault(Fault.NETWORK, 20, "llm-1 to kafka, Refusal[], 49 threads at the end");
        ready(30);
        assertThat(Windows.breakOffs(history).all())
                .extracting(Windows.Window::from)
                .containsExactly(at(10), at(20));
    }

    @Test
    void where_the_routers_clock_was_set_nobody_knows_when_it_was() {
        fault(Fault.WALL_CLOCK, 0, "pump-1 by PT2H");
        ready(10);
        assertThat(Windows.breakOffs(history)).isEqualTo(Windows.NONE);
        fault(Fault.WALL_CLOCK, 20, "llm-1 by PT-10M");
        ready(30);
        assertThat(Windows.breakOffs(history)).isEqualTo(Windows.ALWAYS);
        assertThat(Windows.ALWAYS.touch(at(0), at(0))).isTrue();
    }

    @Test
    void those_of_two_runs_are_all_of_them() {
        fault(Fault.WIPE_REDIS, 0, "");
        ready(1);
        Windows first = Windows.breakOffs(history);
        assertThat(first.and(Windows.NONE)).isEqualTo(first);
        assertThat(Windows.NONE.and(first).touch(at(0), at(0))).isTrue();
        assertThat(Windows.NONE.touch(at(0), at(0))).isFalse();
    }

    private void fault(Fault fault, int second, String what) {
        history.add(line(History.RUN, fault.name(), History.Type.INVOKE, second, ""));
        history.add(line(History.RUN, fault.name(), History.Type.OK, second + 2, what));
    }

    private void ready(int second) {
        history.add(line(History.RUN, Windows.READY, History.Type.OK, second, ""));
    }

    private static History.Line line(String process, String operation, History.Type type, int second, String detail) {
        return new History.Line(
                process, "", operation, type, "", "", detail, at(second).toEpochMilli(), 0);
    }

    private static Instant at(int second) {
        return BEGIN.plus(Duration.ofSeconds(second));
    }
}
