package io.agentserver.service;

import jdk.management.VirtualThreadSchedulerMXBean;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

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

    /** The process: what the scheduler itself says after the first virtual thread. */
    static void main() throws InterruptedException {
        JvmDefaults.provide();
        Thread.ofVirtual().start(() -> {}).join();
        System.out.println(ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class)
                .getParallelism());
    }

    private static int carriersOfAProcess(String option) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx64m", option, "-cp", System.getProperty("java.class.path")));
        command.add(JvmDefaultsTest.class.getName());
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return Integer.parseInt(out.strip());
    }
}
