package io.agentserver.service;

import jdk.management.VirtualThreadSchedulerMXBean;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;

class JvmDefaultsTest {
    @Test
    void carriers_are_eight_on_a_small_machine() throws Exception {
        assertThat(carriersOfAProcess("-XX:ActiveProcessorCount=2")).isEqualTo(8);
    }

    @Test
    void carriers_are_as_many_as_processors_on_a_large_one() throws Exception {
        assertThat(carriersOfAProcess("-XX:ActiveProcessorCount=12")).isEqualTo(12);
    }

    @Test
    void carriers_are_what_the_command_line_says() throws Exception {
        assertThat(carriersOfAProcess("-Djdk.virtualThreadScheduler.parallelism=3"))
                .isEqualTo(3);
    }

    @Test
    void carriers_are_added_while_all_of_them_wait_for_a_virtual_thread_that_has_none() throws Exception {
        assertThat(carriersOfAProcess("-Djdk.virtualThreadScheduler.parallelism=2", "-Dstuck=20"))
                .isGreaterThan(20);
    }

    /** Takes the carrier of whoever initialises it until the gate is open. */
    private abstract static class Stuck {
        private static final CountDownLatch GATE = new CountDownLatch(1);

        static final class Inside {
            static {
                try {
                    GATE.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }

    /** The process: what the scheduler itself says after the first virtual threads. */
    static void main() throws InterruptedException {
        JvmDefaults.provide();
        List<Thread> stuck = IntStream.range(0, Integer.getInteger("stuck", 0))
                .mapToObj(_ -> Thread.ofVirtual().start(Stuck.Inside::new))
                .toList();
        Thread.ofVirtual().start(Stuck.GATE::countDown).join();
        for (Thread each : stuck) {
            each.join();
        }
        System.out.println(ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class)
                .getParallelism());
    }

    private static int carriersOfAProcess(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xmx64m");
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(JvmDefaultsTest.class.getName());
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        // around it the log: the watch may say that threads are waiting while this is written
        return Integer.parseInt(out.lines()
                .filter(line -> line.matches("\\d+"))
                .findFirst()
                .orElseThrow(() -> new AssertionError(out)));
    }
}
