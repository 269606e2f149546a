package io.agentserver.standalone.faults;

import io.agentserver.localstores.ChildJvm;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;

class LifelineTest {
    private static final String MARK = "lifeline-test-mark";

    /** {@code main}: starts one process that is tied to it, and one that is not ours, prints their ids, waits to be killed. */
    static final class Owner {
        private Owner() {}

        @SuppressWarnings("resource") // its end is what is tested
        public static void main(String[] arguments) throws IOException {
            Lifeline lifeline = Lifeline.start(MARK);
            Process tied = sleeper(MARK);
            Process another = sleeper("another-mark");
            lifeline.tie(tied);
            lifeline.tie(another);
            System.out.println("pids " + tied.pid() + " " + another.pid());
            while (System.in.read() >= 0) {
                // its end is ours
            }
        }

        private static Process sleeper(String mark) throws IOException {
            return new ProcessBuilder("/bin/sh", "-c", "while :; do sleep 1; done", mark)
                    .inheritIO()
                    .start();
        }
    }

    @Test
    void what_is_tied_to_a_process_ends_with_it_even_if_that_is_killed_and_nothing_else_does() throws Exception {
        ChildJvm owner = ChildJvm.start(Owner.class);
        String[] pids = owner.awaitLine("pids ", Duration.ofSeconds(60)).split(" ", 2);
        ProcessHandle tied = ProcessHandle.of(Long.parseLong(pids[0])).orElseThrow();
        ProcessHandle another = ProcessHandle.of(Long.parseLong(pids[1])).orElseThrow();
        try {
            assertThat(tied.isAlive()).isTrue();
            owner.kill();
            tied.onExit().get(30, TimeUnit.SECONDS);
            assertThat(another.isAlive()).isTrue();
        } finally {
            tied.destroyForcibly();
            another.destroyForcibly();
        }
    }
}
