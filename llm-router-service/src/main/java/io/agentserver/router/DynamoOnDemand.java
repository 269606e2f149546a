package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.sealing.TenantKey;
import io.agentserver.sealing.TenantKeys;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;

/**
 * Data keys in DynamoDB, which is connected to when the first one is looked for: a router whose tenants have no own keys needs
 * neither DynamoDB nor an AWS region, and one that lacks them serves everybody else. Safe on any thread; blocks.
 */
final class DynamoOnDemand implements TenantKeys, AutoCloseable {
    private static final CallBounds BOUNDS = new CallBounds(64, Duration.ofSeconds(2), Duration.ofSeconds(4));

    private final String url;
    private final Function<DynamoDbClient, TenantKeys> keys;
    private @Nullable DynamoDbClient client; // guarded by this
    private @Nullable TenantKeys connected; // guarded by this
    private boolean closed; // guarded by this

    /** @param url see {@link DynamoClients} */
    DynamoOnDemand(String url, Function<DynamoDbClient, TenantKeys> keys) {
        this.url = url;
        this.keys = keys;
    }

    @Override
    public Optional<TenantKey> find(TenantId tenant, String id) {
        return connected().find(tenant, id);
    }

    /** Opens no connection yet: nobody waits for another one here. */
    private synchronized TenantKeys connected() {
        if (closed) {
            throw new KeysUnavailableException("this router is stopping", null);
        }
        TenantKeys known = connected;
        if (known == null) {
            try {
                DynamoDbClient opened = DynamoClients.open(url, BOUNDS);
                client = opened;
                known = keys.apply(opened);
                connected = known;
            } catch (SdkException | IllegalArgumentException unusable) {
                throw new KeysUnavailableException(
                        "DynamoDB cannot be asked: set AGENTSERVER_DYNAMODB_URL, or the AWS region", unusable);
            }
        }
        return known;
    }

    @Override
    public synchronized void close() {
        closed = true;
        DynamoDbClient opened = client;
        if (opened != null) {
            opened.close();
        }
    }
}
