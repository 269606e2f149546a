package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.sealing.TenantKey;
import io.agentserver.sealing.TenantKeys;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Data keys in DynamoDB, which is connected to when the first one is looked for: a router whose tenants have no own keys needs
 * neither DynamoDB nor an AWS region, and one that lacks them serves everybody else. Making the client may ask the cloud for
 * its region, for seconds; who comes meanwhile waits for the same try, and for a while after one that failed nobody makes
 * another. Safe on any thread; blocks, but for {@link #close}.
 */
final class DynamoOnDemand implements TenantKeys, AutoCloseable {
    private static final CallBounds BOUNDS = new CallBounds(64, Duration.ofSeconds(2), Duration.ofSeconds(4));
    private static final Duration AGAIN = Duration.ofSeconds(30);

    private final Supplier<DynamoDbClient> clients;
    private final Function<DynamoDbClient, TenantKeys> keys;
    private final Duration again;
    private @Nullable Try latest; // guarded by this
    private @Nullable DynamoDbClient client; // guarded by this
    private boolean closed; // guarded by this

    /** One at making a client. */
    private final class Try {
        private final FutureTask<TenantKeys> task = new FutureTask<>(this::connect);
        private volatile @Nullable Stopwatch sinceFailed;

        private TenantKeys connect() {
            boolean done = false;
            try {
                TenantKeys connected = keys.apply(kept(clients.get()));
                done = true;
                return connected;
            } finally {
                if (!done) {
                    sinceFailed = new Stopwatch();
                }
            }
        }

        boolean isToBeDoneAgain() {
            Stopwatch since = sinceFailed;
            return since != null && !since.left(again).isPositive();
        }
    }

    /** @param url see {@link DynamoClients} */
    DynamoOnDemand(String url, Function<DynamoDbClient, TenantKeys> keys) {
        this(() -> DynamoClients.open(url, BOUNDS), keys, AGAIN);
    }

    /** @param again how long after a failure */
    DynamoOnDemand(Supplier<DynamoDbClient> clients, Function<DynamoDbClient, TenantKeys> keys, Duration again) {
        this.clients = clients;
        this.keys = keys;
        this.again = again;
    }

    @Override
    public Optional<TenantKey> find(TenantId tenant, String id) {
        return connected().find(tenant, id);
    }

    private TenantKeys connected() {
        Try current = current();
        current.task.run(); // by who comes first; nothing for others
        try {
            return current.task.get();
        } catch (ExecutionException unusable) {
            throw new KeysUnavailableException(
                    "DynamoDB cannot be asked: set AGENTSERVER_DYNAMODB_URL, or the AWS region", unusable.getCause());
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            throw new KeysUnavailableException("this router is stopping", stopping);
        }
    }

    private synchronized Try current() {
        requireOpen();
        Try known = latest;
        if (known == null || known.isToBeDoneAgain()) {
            known = new Try();
            latest = known;
        }
        return known;
    }

    /** Closed with this; at once, where this was closed while the client was made. */
    private DynamoDbClient kept(DynamoDbClient opened) {
        synchronized (this) {
            if (!closed) {
                client = opened;
                return opened;
            }
        }
        opened.close();
        throw stopping();
    }

    private synchronized void requireOpen() {
        if (closed) {
            throw stopping();
        }
    }

    private static KeysUnavailableException stopping() {
        return new KeysUnavailableException(
                "this router is stopping",
                new IllegalStateException("closed")); // none without a cause: it would be for good
    }

    @Override
    public void close() {
        DynamoDbClient opened;
        synchronized (this) {
            closed = true;
            opened = client;
        }
        if (opened != null) {
            opened.close();
        }
    }
}
