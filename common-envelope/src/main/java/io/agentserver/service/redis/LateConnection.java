package io.agentserver.service.redis;

import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.cluster.PipelinedRedisFuture;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The commands of a Redis that nobody has reached yet: each fails until a thread of this, which tries every second, has
 * connected; from then on they are that connection's. Lettuce itself comes back to a Redis only that it has once reached.
 */
final class LateConnection {
    private static final Logger LOG = LoggerFactory.getLogger(LateConnection.class);
    private static final Duration TRY_EVERY = Duration.ofSeconds(1);

    private final Supplier<RedisClients> open;
    private final RedisException first;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = Thread.ofVirtual().name("redis-late").unstarted(this::run);
    private volatile @Nullable RedisClients connected;

    /** @param first why there was none at the start */
    LateConnection(Supplier<RedisClients> open, RedisException first) {
        this.open = open;
        this.first = first;
    }

    LateConnection start() {
        LOG.warn("Redis does not answer yet; what needs it is refused until it does", first);
        thread.start();
        return this;
    }

    @SuppressWarnings("unchecked")
    RedisClusterCommands<String, String> commands() {
        return (RedisClusterCommands<String, String>) proxy(RedisClusterCommands.class, RedisClients::commands);
    }

    @SuppressWarnings("unchecked")
    RedisClusterAsyncCommands<String, String> async() {
        return (RedisClusterAsyncCommands<String, String>) proxy(RedisClusterAsyncCommands.class, RedisClients::async);
    }

    void close() {
        closing.countDown();
        thread.interrupt();
    }

    private void run() {
        try {
            while (!closing.await(TRY_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    connected = open.get();
                    LOG.info("Redis answers");
                    return;
                } catch (RedisException notYet) {
                    LOG.debug("Redis does not answer yet", notYet);
                }
            }
        } catch (InterruptedException whileClosing) {
            Thread.currentThread().interrupt();
        }
    }

    private Object proxy(Class<?> commands, Function<RedisClients, Object> of) {
        return Proxy.newProxyInstance(commands.getClassLoader(), new Class<?>[] {commands}, (proxy, method, given) -> {
            RedisClients there = connected;
            try {
                if (method.getDeclaringClass() == Object.class) {
                    return method.invoke(this, given);
                }
                if (there != null) {
                    return method.invoke(of.apply(there), given);
                }
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            if (method.getName().equals("digest") && given[0] instanceof String script) {
                return digest(script); // of what is to be run later; it asks nobody
            }
            RedisConnectionException away = new RedisConnectionException("Redis has not answered yet", first);
            if (method.getReturnType() == RedisFuture.class) {
                return new PipelinedRedisFuture<>(CompletableFuture.failedFuture(away));
            }
            throw away;
        });
    }

    /** SHA-1, as <a href="https://redis.io/docs/latest/commands/evalsha/">EVALSHA</a> has it. */
    private static String digest(String script) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-1").digest(script.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-1", e);
        }
    }
}
