package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.http.HttpRequest;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

/** How long a tenant's conversations are kept is the operator's to say; the buffer does it. */
@ExtendWith(GatewayExtension.class)
class RetentionTest {
    private static final String NO_WHOLE_NUMBER = "retention_hours: must be a whole number from 1 to 2160";

    private final RunningGateway gateway;
    private final String tenant = "r" + Ids.v7().toString().substring(0, 35).replace("-", "x");

    RetentionTest(RunningGateway gateway) {
        this.gateway = gateway;
    }

    @Test
    void a_tenant_may_be_made_with_one() {
        Answer created = create("{\"id\":\"" + tenant + "\",\"name\":\"T\",\"retention_hours\":2160}");
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        assertThat(created.json().path("retention_hours").asInt()).isEqualTo(2_160);
        assertThat(read().json().path("retention_hours").asInt()).isEqualTo(2_160);
        assertThat(gateway.entry(tenant).retention()).contains(Duration.ofDays(90));
    }

    @Test
    void an_operator_changes_it_and_gives_the_platforms_back() {
        gateway.createTenant(tenant);
        assertThat(read().json().has("retention_hours")).isFalse();
        assertThat(gateway.entry(tenant).retention()).isEmpty();

        Answer changed = patch("{\"retention_hours\":1}");
        assertThat(changed.status()).as(changed.body()).isEqualTo(200);
        assertThat(changed.json().path("retention_hours").asInt()).isEqualTo(1);
        assertThat(gateway.entry(tenant).retention()).contains(Duration.ofHours(1));
        assertThat(patch("{\"plan\":\"dev\"}").json().path("retention_hours").asInt())
                .as("what is not named stays")
                .isEqualTo(1);

        assertThat(patch("{\"retention_hours\":null}").json().has("retention_hours"))
                .isFalse();
        assertThat(gateway.entry(tenant).retention()).isEmpty();
    }

    @Test
    void what_is_no_number_of_hours_from_an_hour_to_90_days_is_422_and_changes_nothing() {
        gateway.createTenant(tenant);
        patch("{\"retention_hours\":5}");
        for (String wrong : new String[] {"0", "-1", "2161", "1.5", "\"24\"", "true", "[24]", "99999999999"}) {
            Answer changed = patch("{\"plan\":\"dev\",\"retention_hours\":" + wrong + "}");
            assertThat(changed.status()).as(wrong).isEqualTo(422);
            assertThat(changed.body()).as(wrong).contains(NO_WHOLE_NUMBER);
            Answer created = create("{\"id\":\"" + tenant + "b\",\"name\":\"T\",\"retention_hours\":" + wrong + "}");
            assertThat(created.status()).as(wrong).isEqualTo(422);
        }
        assertThat(gateway.entry(tenant).retention()).contains(Duration.ofHours(5));
        assertThat(gateway.entry(tenant).plan()).isEqualTo("default");
        assertThat(gateway.get("/admin/v1/tenants/" + tenant + "b", RunningGateway.ADMIN_KEY)
                        .status())
                .isEqualTo(404);
    }

    private Answer create(String body) {
        return gateway.post("/admin/v1/tenants", RunningGateway.ADMIN_KEY, "application/json", body);
    }

    private Answer read() {
        return gateway.get("/admin/v1/tenants/" + tenant, RunningGateway.ADMIN_KEY);
    }

    private Answer patch(String body) {
        return gateway.send(gateway.request("/admin/v1/tenants/" + tenant)
                .header("Authorization", "Bearer " + RunningGateway.ADMIN_KEY)
                .header("Content-Type", "application/json")
                .method("PATCH", HttpRequest.BodyPublishers.ofString(body)));
    }
}
