package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.tenancy.LlmLimits;
import io.agentserver.tenancy.RateLimit;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(GatewayExtension.class)
class RateLimitTest {
    private static final String GREETING =
            AdmissionTest.envelope("<from>console</from>", "<Greeting xmlns=\"\"><Name>World</Name></Greeting>");

    private final RunningGateway gateway;
    private final LocalStores stores;
    private String tenant = "";
    private String key = "";

    RateLimitTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        tenant = "t" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    private Answer patch(String body) {
        return gateway.send(gateway.request("/admin/v1/tenants/" + tenant)
                .header("Authorization", "Bearer " + RunningGateway.ADMIN_KEY)
                .header("Content-Type", "application/json")
                .method("PATCH", HttpRequest.BodyPublishers.ofString(body)));
    }

    private Answer send() {
        return gateway.post("/v1/messages", key, "application/xml", GREETING);
    }

    private Answer batch(int messages) {
        return gateway.post(
                "/v1/messages",
                key,
                "application/vnd.agentserver.batch+xml",
                "<batch>" + GREETING.repeat(messages) + "</batch>");
    }

    @Test
    void every_answer_to_a_key_says_what_is_allowed_and_what_is_left() {
        Answer answer = gateway.get("/v1/organism", key);

        assertThat(answer.header("RateLimit-Policy")).isEqualTo("\"key\";q=1000;w=2, \"tenant\";q=2000;w=2");
        assertThat(answer.header("RateLimit")).matches("\"key\";r=[0-9]+;t=[0-2], \"tenant\";r=[0-9]+;t=[0-2]");
        assertThat(gateway.get("/v1/organism", "as_live_nobody").header("RateLimit-Policy"))
                .isEmpty();
        assertThat(gateway.get("/v1/threads/unknown", key).header("RateLimit-Policy"))
                .isNotEmpty();
    }

    @Test
    void what_is_over_the_rate_is_turned_away_with_the_time_to_come_again() {
        assertThat(patch("{\"rate_limit\":{\"per_second\":1,\"burst\":3}}").status())
                .isEqualTo(200);
        Answer last = send();
        for (int i = 0; i < 20 && last.status() == 202; i++) {
            last = send();
        }

        assertThat(last.status()).isEqualTo(429);
        assertThat(last.problem()).isEqualTo("rate-limited");
        assertThat(last.header("Retry-After")).isEqualTo("1");
        assertThat(last.header("Request-Id"))
                .isEqualTo(last.json().path("request_id").asString());
        assertThat(last.header("RateLimit")).startsWith("\"tenant\";r=0;t=");
        assertThat(last.header("RateLimit-Policy")).isEqualTo("\"tenant\";q=3;w=3");
        assertThat(gateway.metrics()).contains("agentserver_rejected_total{reason=\"rate-limited\"}");
    }

    @Test
    void two_gateways_together_let_in_what_one_would() {
        assertThat(patch("{\"rate_limit\":{\"per_second\":1,\"burst\":50}}").status())
                .isEqualTo(200);
        String warm = gateway.createTenant("w" + tenant.substring(1));
        try (RunningGateway there = RunningGateway.on(stores)) {
            // its first question to Redis may take longer than it has patience, and alone it would keep a burst of its
            // own
            Awaitility.await().until(() -> there.get("/v1/organism", warm).status() != 401);
            there.get("/v1/organism", warm);
            Awaitility.await()
                    .until(() -> there.bean(TenantDirectory.class)
                            .find(new TenantId(tenant))
                            .flatMap(TenantEntry::rate)
                            .equals(Optional.of(new RateLimit(1, 50))));

            long begin = System.nanoTime();
            List<Integer> own = new ArrayList<>();
            List<Integer> others = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                own.add(send().status());
                others.add(there.post("/v1/messages", key, "application/xml", GREETING)
                        .status());
            }
            long refilled = Duration.ofNanos(System.nanoTime() - begin).toSeconds() + 1;

            assertThat(own).containsOnly(202, 429);
            assertThat(others).containsOnly(202, 429);
            assertThat(Collections.frequency(own, 202) + Collections.frequency(others, 202))
                    .as("a burst of 50, and one more a second for %s s", refilled)
                    .isBetween(49, 50 + (int) refilled);
        }
    }

    @Test
    void each_message_of_a_batch_counts_and_a_batch_is_let_in_whole_or_not_at_all() {
        assertThat(patch("{\"rate_limit\":{\"per_second\":1,\"burst\":60}}").status())
                .isEqualTo(200);

        assertThat(batch(50).status()).isEqualTo(207);
        Answer second = batch(50);
        assertThat(second.status()).as(second.body()).isEqualTo(429);
        assertThat(Integer.parseInt(second.header("Retry-After"))).isBetween(35, 45);
        Answer never = batch(80);
        assertThat(never.status())
                .as("and not 429, after which it would be sent again")
                .isEqualTo(413);
        assertThat(never.json().path("detail").asString()).contains("burst of 60");
    }

    @Test
    void a_large_batch_counts_by_its_size_before_it_is_read() {
        assertThat(patch("{\"rate_limit\":{\"per_second\":1,\"burst\":60}}").status())
                .isEqualTo(200);
        String large = "<batch>" + GREETING + "<!--" + "x".repeat(400_000) + "-->";

        Answer refused = gateway.post("/v1/messages", key, "application/vnd.agentserver.batch+xml", large + "no end");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(batch(50).status()).as("49 requests were its size").isEqualTo(429);
    }

    @Test
    void an_operator_changes_plan_and_rate_and_gives_the_plans_back() {
        assertThat(patch("{\"plan\":\"dev\"}").json().has("rate_limit")).isFalse();
        assertThat(gateway.get("/v1/organism", key).header("RateLimit")).isEmpty();
        Answer own = patch("{\"rate_limit\":{\"per_second\":7}}");
        assertThat(own.json().path("plan").asString()).isEqualTo("dev");
        assertThat(own.json().path("rate_limit").path("burst").asInt()).isEqualTo(7);
        assertThat(gateway.get("/v1/organism", key).header("RateLimit-Policy")).isEqualTo("\"tenant\";q=7;w=1");
        assertThat(patch("{\"rate_limit\":null,\"plan\":\"default\"}")
                        .json()
                        .path("rate_limit")
                        .path("per_second")
                        .asInt())
                .isEqualTo(1_000);
    }

    @Test
    void an_operator_changes_the_limits_of_model_calls_and_gives_the_plans_back() {
        String limits = "{\"tokens_per_minute\":500000,\"shadow\":true}";
        assertThat(patch("{\"llm_limits\":" + limits + "}")
                        .json()
                        .path("llm_limits")
                        .toString())
                .isEqualTo(limits);
        assertThat(gateway.entry(tenant).llm()).isEqualTo(new LlmLimits(0, 500_000, 0, true));
        assertThat(patch("{\"rate_limit\":null}").json().path("llm_limits").toString())
                .as("what is not named stays")
                .isEqualTo(limits);
        assertThat(patch("{\"llm_limits\":null}")
                        .json()
                        .path("llm_limits")
                        .path("concurrent")
                        .asInt())
                .isEqualTo(1_000);
        assertThat(patch("{\"llm_limits\":{}}").json().has("llm_limits"))
                .as("none")
                .isFalse();
    }

    @Test
    void a_wrong_change_changes_nothing() {
        for (String wrong : new String[] {
            "{\"plan\":\"gold\"}",
            "{\"rate_limit\":{\"per_second\":0}}",
            "{\"rate_limit\":{\"per_second\":5,\"burst\":4}}",
            "{\"rate_limit\":{\"burst\":4}}",
            "{\"rate_limit\":{\"per_second\":5,\"more\":4}}",
            "{\"llm_limits\":{\"concurrent\":0}}",
            "{\"llm_limits\":{\"tokens_per_minute\":1000000001}}",
            "{\"llm_limits\":{\"shadow\":1}}",
            "{\"credit\":5}"
        }) {
            assertThat(patch(wrong).status()).as(wrong).isEqualTo(422);
        }
        Answer unknown = gateway.send(gateway.request("/admin/v1/tenants/nobody")
                .header("Authorization", "Bearer " + RunningGateway.ADMIN_KEY)
                .header("Content-Type", "application/json")
                .method("PATCH", HttpRequest.BodyPublishers.ofString("{}")));
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(gateway.send(gateway.request("/admin/v1/tenants/" + tenant)
                                .header("Authorization", "Bearer " + key)
                                .header("Content-Type", "application/json")
                                .method("PATCH", HttpRequest.BodyPublishers.ofString("{}")))
                        .status())
                .isEqualTo(401);
        assertThat(gateway.get("/v1/organism", key).header("RateLimit-Policy")).contains("q=2000");
    }
}
