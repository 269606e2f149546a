package io.agentserver.service.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** A Lua script that stands beside a class as a resource. Safe on any thread. */
public final class RedisScript {
    private final RedisClusterAsyncCommands<String, String> redis;
    private final ScriptOutputType output;
    private final String source;
    private final String digest;

    /** @throws IllegalStateException if there is no such resource */
    public RedisScript(
            RedisClusterAsyncCommands<String, String> redis, Class<?> beside, String name, ScriptOutputType output) {
        this.redis = redis;
        this.output = output;
        this.source = load(beside, name);
        this.digest = redis.digest(source);
    }

    /**
     * One round trip; two where the node does not know the script yet.
     *
     * @param keys all in one slot of a cluster
     */
    public <T> CompletionStage<T> run(List<String> keys, List<String> arguments) {
        String[] names = keys.toArray(String[]::new);
        String[] values = arguments.toArray(String[]::new);
        try {
            return redis.<T>evalsha(digest, output, names, values)
                    .exceptionallyCompose(failure -> isUnknown(failure)
                            ? redis.<T>eval(source, output, names, values)
                            : CompletableFuture.failedStage(failure));
        } catch (RedisException closed) {
            return CompletableFuture.failedStage(closed);
        }
    }

    private static boolean isUnknown(Throwable failure) {
        return failure instanceof RedisNoScriptException
                || failure instanceof CompletionException && failure.getCause() instanceof RedisNoScriptException;
    }

    private static String load(Class<?> beside, String name) {
        try (InputStream source = beside.getResourceAsStream(name)) {
            if (source == null) {
                throw new IllegalStateException(name + " is not in the class path beside " + beside.getName());
            }
            return new String(source.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
