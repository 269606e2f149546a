package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.keys.OldWrappings;
import io.agentserver.localstores.LocalStores;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.TenantDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.http.HttpRequest;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A table of data keys that does not answer for one of the tenants. */
@ExtendWith(GatewayExtension.class)
class OldWrappingsTest {
    private final RunningGateway gateway;
    private final LocalStores stores;
    private final List<String> tenants = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();

    OldWrappingsTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @Test
    void a_tenant_that_fails_keeps_no_other_from_its_turn_and_is_not_asked_each_minute() {
        for (int i = 0; i < 3; i++) {
            String tenant = i + Ids.v7().toString().substring(0, 34).replace("-", "x");
            tenants.add("w" + tenant);
            assertThat(put(gateway.createTenant("w" + tenant))).isEqualTo(200);
        }
        OldWrappings wrappings = new OldWrappings(
                gateway.bean(TenantDirectory.class),
                new DynamoTenantKeys(
                        failingForTheFirst(),
                        PlatformKeys.load(stores.directory().resolve("platform-key.json")),
                        Clock.systemUTC()));

        assertThatThrownBy(wrappings::renew).isInstanceOf(KeysUnavailableException.class);
        assertThat(asked).containsExactlyInAnyOrderElementsOf(tenants);

        wrappings.renew();
        assertThat(asked).as("each once an hour").hasSize(3);
    }

    private int put(String key) {
        return gateway.send(gateway.request("/v1/provider-keys/openai")
                        .header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .PUT(HttpRequest.BodyPublishers.ofString("{\"key\":\"sk-own-0123456789\"}")))
                .status();
    }

    /** Of these tenants; others may have own keys too. */
    private DynamoDbClient failingForTheFirst() {
        DynamoDbClient dynamo = gateway.bean(DynamoDbClient.class);
        return (DynamoDbClient) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (_, method, arguments) -> {
                    if (method.getName().equals("queryPaginator")) {
                        String tenant = tenant(arguments[0]);
                        if (tenants.contains(tenant)) {
                            asked.add(tenant);
                            if (asked.size() == 1) {
                                throw SdkClientException.create("throttled");
                            }
                        }
                    }
                    try {
                        return method.invoke(dynamo, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @SuppressWarnings("unchecked")
    private static String tenant(Object request) {
        return Objects.requireNonNull(QueryRequest.builder()
                        .applyMutation((Consumer<QueryRequest.Builder>) request)
                        .build()
                        .expressionAttributeValues()
                        .get(":pk"))
                .s();
    }
}
