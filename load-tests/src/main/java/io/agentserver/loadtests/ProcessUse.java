package io.agentserver.loadtests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** What a process of this machine has used so far, as Linux tells it. */
final class ProcessUse {
    private static final int USER_TICKS = 11; // of the fields behind the command, which may hold blanks
    private static final int TICKS_A_SECOND = 100; // USER_HZ, the same on each Linux

    private ProcessUse() {}

    /** Processor time of all its threads, to 10 ms. */
    static Duration processor(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        long ticks = Long.parseLong(fields[USER_TICKS]) + Long.parseLong(fields[USER_TICKS + 1]);
        return Duration.ofMillis(ticks * 1000 / TICKS_A_SECOND);
    }

    /** Resident memory now, in MiB. */
    static long memory(long pid) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
            }
        }
        throw new IOException("/proc/" + pid + "/status does not tell VmRSS");
    }
}
