package io.agentserver.buffer.store.redis;

import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * A script beside these classes, called by its digest; a node that does not know it, because it is new or has forgotten it, is
 * given the text.
 *
 * @param <T> what it returns, as Lettuce gives its output type
 */
final class Script<T> {
    private final RedisClusterAsyncCommands<String, byte[]> redis;
    private final byte[] text;
    private final String digest;
    private final ScriptOutputType output;

    Script(RedisClusterAsyncCommands<String, byte[]> redis, String name, ScriptOutputType output) {
        this.redis = redis;
        this.text = load(name);
        this.digest = redis.digest(text);
        this.output = output;
    }

    /** Blocks. Throws what {@link Answers#of} throws. */
    T run(String[] keys, byte[]... arguments) {
        try {
            return Answers.of(redis.<T>evalsha(digest, output, keys, arguments));
        } catch (RedisNoScriptException unknownToThisNode) {
            return Answers.of(redis.<T>eval(text, output, keys, arguments));
        }
    }

    static byte[] argument(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] argument(long number) {
        return argument(Long.toString(number));
    }

    private static byte[] load(String name) {
        try (InputStream source = Script.class.getResourceAsStream(name)) {
            if (source == null) {
                throw new IllegalStateException(name + " is not in the class path");
            }
            return source.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
