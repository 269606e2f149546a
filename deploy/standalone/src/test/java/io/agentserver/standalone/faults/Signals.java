package io.agentserver.standalone.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code kill -STOP} and its kind. */
final class Signals {
    private Signals() {}

    /** Whether a process stands still, as after STOP. */
    static boolean isStopped(long pid) {
        try {
            String status = Files.readString(Path.of("/proc", String.valueOf(pid), "stat"));
            return status.substring(status.lastIndexOf(')')).startsWith(") T");
        } catch (IOException e) {
            return false; // it has ended
        }
    }

    static void send(String signal, long pid) {
        try {
            new ProcessBuilder("kill", "-" + signal, String.valueOf(pid))
                    .redirectErrorStream(true)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
