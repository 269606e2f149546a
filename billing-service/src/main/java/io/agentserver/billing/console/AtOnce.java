package io.agentserver.billing.console;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Several questions of one page, each on a virtual thread of its own: a page takes as long as the slowest of them, not as
 * long as all. Closing it waits for those that nobody has waited for. Of one thread.
 */
final class AtOnce implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    /** Asks; what is given back waits for the answer, and throws what the question threw. */
    <T> Supplier<T> ask(Supplier<T> question) {
        CompletableFuture<T> answer = CompletableFuture.supplyAsync(question, threads);
        return () -> {
            try {
                return answer.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException failure) {
                    throw failure;
                }
                throw e;
            }
        };
    }

    @Override
    public void close() {
        threads.close();
    }
}
