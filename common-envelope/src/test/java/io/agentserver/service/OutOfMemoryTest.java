package io.agentserver.service;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;

class OutOfMemoryTest {
    /** A thread that goes on after everything, in a process of its own. */
    static final class Tireless {
        public static void main(String[] args) {
            while (true) {
                try {
                    throw new IllegalStateException("wrapped", new OutOfMemoryError("as if"));
                } catch (RuntimeException | Error e) {
                    OutOfMemory.endsTheProcess(e);
                }
            }
        }
    }

    @Test
    void ends_the_process_as_the_jvm_itself_would() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Tireless.class.getName())
                .redirectErrorStream(true)
                .start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(3);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void lets_every_other_failure_be() {
        OutOfMemory.endsTheProcess(new StackOverflowError());
        OutOfMemory.endsTheProcess(new IllegalStateException(new NoClassDefFoundError()));
    }
}
