package io.agentserver.gateway;

import com.sun.net.httpserver.HttpServer;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** What the gateway makes of the days that it is asked for, and of what billing says to them. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UsageTest {
    private static final String NONE =
            "{\"data\":[],\"total\":{\"calls\":0,\"input_tokens\":0,\"cached_input_tokens\":0,"
                    + "\"output_tokens\":0,\"cost_microusd\":0,\"price_microusd\":0}}";

    private final HttpServer billing = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    private final RunningGateway gateway;
    private volatile String asked = "";
    private volatile int status = 200;
    private String key = "";

    UsageTest(LocalStores stores) throws IOException {
        billing.createContext("/internal/v1/usage", exchange -> {
            asked = exchange.getRequestURI().getQuery();
            byte[] body = NONE.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        billing.start();
        gateway = RunningGateway.on(
                stores,
                Map.of(
                        "AGENTSERVER_BILLING_URL",
                        "http://127.0.0.1:" + billing.getAddress().getPort()));
    }

    @BeforeAll
    void a_tenant() {
        key = gateway.createTenant("g" + Ids.v7().toString().substring(0, 35).replace("-", "x"));
    }

    @AfterAll
    void stop() {
        gateway.close();
        billing.stop(0);
    }

    @Test
    void asks_for_as_many_days_as_billing_takes_and_no_more() {
        assertThat(gateway.get("/v1/usage?from=2025-01-01&to=2026-01-01", key).status())
                .isEqualTo(200);
        assertThat(asked).as("366 days").isEqualTo("from=2025-01-01&to=2026-01-01");
        Answer tooMany = gateway.get("/v1/usage?from=2025-01-01&to=2026-01-02", key);
        assertThat(tooMany.status()).isEqualTo(400);
        assertThat(tooMany.json().path("detail").asString()).contains("1 to 366 days");
    }

    @Test
    void begins_with_the_first_day_that_there_is() {
        assertThat(gateway.get("/v1/usage?to=2000-01-10", key).status()).isEqualTo(200);
        assertThat(asked).isEqualTo("from=2000-01-01&to=2000-01-10");
    }

    @Test
    void does_not_say_try_again_where_billing_says_no() {
        status = 400;
        Answer refused = gateway.get("/v1/usage?from=2030-01-01&to=2030-01-02", key);
        status = 503;
        Answer away = gateway.get("/v1/usage?from=2030-01-01&to=2030-01-02", key);
        status = 200;
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.problem()).isEqualTo("invalid-request");
        assertThat(away.status()).isEqualTo(503);
    }
}
