package io.agentserver.gateway;

import io.agentserver.credit.Credit;
import io.agentserver.credit.PostedBalance;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.redis.RedisClients;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** 402 at the door, by what Redis says of a tenant's credit. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CreditTest {
    private static final Duration PROMISED = Duration.ofSeconds(5);

    private final RunningGateway gateway;
    private final RedisClients redis;
    private final Credit credit;

    CreditTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.redis = RedisClients.connect(stores.redisUrl(), Duration.ofSeconds(5));
        this.credit = new Credit(redis);
    }

    @AfterAll
    void disconnect() {
        redis.close();
    }

    @Test
    void refuses_messages_soon_after_the_credit_is_gone_and_takes_them_again_when_there_is_some() {
        TenantId tenant = new TenantId("credit-org");
        String key = tenant("credit-org");
        credit.open(tenant, new PostedBalance(100, 1), Duration.ZERO, Instant.EPOCH);
        assertThat(send(key, "one").status()).isEqualTo(202);
        credit.posted(tenant, new PostedBalance(0, 2), List.of());
        Answer refused = await().atMost(PROMISED).until(() -> send(key, "two"), answer -> answer.status() != 202);
        assertThat(refused.status()).isEqualTo(402);
        assertThat(refused.problem()).isEqualTo("credit-exhausted");
        assertThat(gateway.metrics())
                .containsPattern("agentserver_rejected_total\\{reason=\"credit-exhausted\".*} [1-9]");
        credit.posted(tenant, new PostedBalance(1, 3), List.of());
        await().atMost(PROMISED).until(() -> send(key, "three").status() == 202);
    }

    @Test
    void lets_messages_in_where_the_credit_is_not_known() {
        String key = tenant("unknown-credit-org");
        assertThat(send(key, "one").status()).isEqualTo(202);
    }

    @Test
    void takes_an_operators_gift_only_if_it_is_well_formed() {
        tenant("gift-org");
        String path = "/admin/v1/tenants/gift-org/credit";
        String right = "{\"amount_microusd\":1,\"reason\":\"x\"}";
        assertThat(gateway.post(path, "nobody", "application/json", right).status())
                .isEqualTo(401);
        assertThat(gateway.post(path, RunningGateway.ADMIN_KEY, "application/json", right)
                        .status())
                .as("without an Idempotency-Key")
                .isEqualTo(400);
        for (String wrong : List.of(
                "{\"amount_microusd\":0,\"reason\":\"x\"}",
                "{\"amount_microusd\":1.5,\"reason\":\"x\"}",
                "{\"amount_microusd\":\"1\",\"reason\":\"x\"}",
                "{\"amount_microusd\":9999999999999,\"reason\":\"x\"}",
                "{\"amount_microusd\":1,\"reason\":\" \"}",
                "{\"amount_microusd\":1}",
                "{\"amount_microusd\":1,\"reason\":\"x\",\"balance\":7}")) {
            assertThat(give(path, wrong).status()).as(wrong).isEqualTo(422);
        }
        assertThat(give("/admin/v1/tenants/no-such-org/credit", right).status()).isEqualTo(404);
    }

    private Answer give(String path, String body) {
        return gateway.send(gateway.request(path)
                .header("Authorization", "Bearer " + RunningGateway.ADMIN_KEY)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", "k")
                .POST(java.net.http.HttpRequest.BodyPublishers.ofString(body)));
    }

    private String tenant(String id) {
        String key = gateway.createTenant(id);
        Answer put = gateway.putOrganism(key, """
                organism: {name: test}
                listeners:
                  - name: penny
                    description: Says it again.
                    handler: builtin:echo
                    payload: {root: Coin, fields: {Text: string}}
                """);
        assertThat(put.status()).isEqualTo(200);
        return key;
    }

    private Answer send(String key, String text) {
        return gateway.post(
                "/v1/messages",
                key,
                "application/json",
                "{\"to\":\"penny\",\"payload\":{\"Coin\":{\"Text\":\"" + text + "\"}}}");
    }
}
