package io.agentserver.service.redis;

import io.lettuce.core.RedisCommandExecutionException;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Leaves a single node that has become a replica. A primary that is replaced keeps its connections, and refuses every write on them
 * for ever; only a new connection gets to the node that its name leads to by then. Safe on any thread.
 */
public final class ReplicaExit {
    /** Of tries: the name may not lead to the successor yet. */
    private static final Duration BETWEEN = Duration.ofSeconds(1);

    private final Runnable quit;
    private final AtomicLong left = new AtomicLong(System.nanoTime() - BETWEEN.toNanos());

    /** @param quit sends QUIT on all connections, at which the server ends them and Lettuce comes back by itself; waits for nothing */
    public ReplicaExit(Runnable quit) {
        this.quit = quit;
    }

    /** Quits, at most once a second, if that is how a replica refuses a command. */
    public void failed(Throwable why) {
        if (why instanceof RedisCommandExecutionException refusal
                && isOfReplica(String.valueOf(refusal.getMessage()))) {
            long now = System.nanoTime();
            long last = left.get();
            if (now - last >= BETWEEN.toNanos() && left.compareAndSet(last, now)) {
                quit.run();
            }
        }
    }

    /** Redis 6.2 has another code before what a script was refused for. */
    private static boolean isOfReplica(String answer) {
        return answer.startsWith("READONLY ") || answer.contains("-READONLY ");
    }
}
