package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
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

/** One of the scripts beside these classes, over the keys of one tenant, which all live in one slot of a cluster. */
final class Script {
    private final RedisClusterAsyncCommands<String, String> redis;
    private final ScriptOutputType output;
    private final String source;
    private final String digest;

    Script(RedisClusterAsyncCommands<String, String> redis, String name, ScriptOutputType output) {
        this.redis = redis;
        this.output = output;
        this.source = load(name);
        this.digest = redis.digest(source);
    }

    /** One round trip; two where the node does not know the script yet. */
    <T> CompletionStage<T> run(TenantId tenant, List<String> arguments) {
        String[] keys = {
            state(tenant),
            prefix(tenant) + "holds",
            prefix(tenant) + "expiries",
            prefix(tenant) + "unposted",
            prefix(tenant) + "posted"
        };
        String[] values = arguments.toArray(String[]::new);
        try {
            return redis.<T>evalsha(digest, output, keys, values)
                    .exceptionallyCompose(failure -> isUnknown(failure)
                            ? redis.<T>eval(source, output, keys, values)
                            : CompletableFuture.failedStage(failure));
        } catch (RedisException closed) {
            return CompletableFuture.failedStage(closed);
        }
    }

    static String state(TenantId tenant) {
        return prefix(tenant) + "state";
    }

    private static String prefix(TenantId tenant) {
        return "credit:{" + tenant + "}:";
    }

    private static boolean isUnknown(Throwable failure) {
        return failure instanceof RedisNoScriptException
                || failure instanceof CompletionException && failure.getCause() instanceof RedisNoScriptException;
    }

    private static String load(String name) {
        try (InputStream source = Script.class.getResourceAsStream(name)) {
            if (source == null) {
                throw new IllegalStateException(name + " is not in the class path");
            }
            return new String(source.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
