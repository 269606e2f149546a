package io.agentserver.standalone.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;

/**
 * Kills the processes that were tied to it when this process ends, however it ends: a shell reads their ids from us until the
 * kernel closes its standard input. Ids are used again, so only those die whose command line still has our mark.
 */
final class Lifeline implements AutoCloseable {
    private static final String GUARD = """
            trap '' INT HUP TERM
            mark=$1
            pids=
            while read -r pid; do pids="$pids $pid"; done
            for pid in $pids; do
                if { cat "/proc/$pid/cmdline" 2>/dev/null || ps -o args= -p "$pid"; } | grep -qaF -- "$mark"; then
                    kill -KILL "$pid"
                fi
            done
            """;

    private final Process guard;
    private final Writer ids;

    private Lifeline(Process guard) {
        this.guard = guard;
        this.ids = guard.outputWriter(StandardCharsets.US_ASCII);
    }

    /** @param mark something of the processes' command lines that no other process has */
    static Lifeline start(String mark) {
        try {
            return new Lifeline(new ProcessBuilder("/bin/sh", "-c", GUARD, "agentserver-lifeline", mark)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void tie(Process process) {
        try {
            ids.write(process.pid() + "\n");
            ids.flush();
        } catch (IOException e) {
            process.destroyForcibly();
            throw new UncheckedIOException("the lifeline has ended, so nothing may be tied to it", e);
        }
    }

    /** Those that are tied to it go now, if they have not gone by themselves. */
    @Override
    public void close() {
        try {
            ids.close();
            guard.waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
