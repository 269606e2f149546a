package io.agentserver.standalone.faults;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class SignalsTest {
    @Test
    void a_process_that_was_told_to_stands_still_until_it_is_told_to_go_on() throws Exception {
        Process process = new ProcessBuilder("sleep", "600").start();
        try {
            assertThat(Signals.isStopped(process.pid())).isFalse();
            Signals.send("STOP", process.pid());
            await().until(() -> Signals.isStopped(process.pid()));
            Signals.send("CONT", process.pid());
            await().until(() -> !Signals.isStopped(process.pid()));
        } finally {
            process.destroyForcibly().waitFor();
        }
        assertThat(Signals.isStopped(process.pid())).as("it has ended").isFalse();
    }
}
