package io.agentserver.buffer.store.redis;

import io.lettuce.core.RedisCommandInterruptedException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;

import java.util.concurrent.ExecutionException;

/** Waits for a command as Lettuce's blocking interface does, but without a timer: the connection ends each command in time. */
final class Answers {
    private Answers() {}

    /**
     * @throws RedisException if Redis refused it, did not answer in the connection's time, or the thread was interrupted
     * @throws java.util.concurrent.CancellationException if the connection was closed
     */
    static <T> T of(RedisFuture<T> command) {
        try {
            return command.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RedisException known ? known : new RedisException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RedisCommandInterruptedException(e);
        }
    }
}
