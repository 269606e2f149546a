package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;

/** Bad input is the caller's fault, never ours: a 4xx with a problem document. */
@ExtendWith(GatewayExtension.class)
class HostileRequestsTest {
    private final RunningGateway gateway;
    private final LocalStores stores;
    private String tenant = "";
    private String key = "";

    HostileRequestsTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        tenant = "h" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e999999999", "1e2147483648", "1e-99999999999", "-1e999999999999999999", "1e5000"})
    void numbers_without_bounds(String number) {
        Answer refused = gateway.post(
                "/v1/messages",
                key,
                "application/json",
                "{\"from\":\"a\",\"to\":\"greeter\",\"payload\":{\"Greeting\":{\"Name\":\"x\",\"Times\":" + number
                        + "}}}");
        assertThat(refused.status()).as(refused.body()).isIn(400, 422);
        assertThat(refused.problem()).isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/threads?limit=999999999999",
        "/v1/threads?limit=many",
        "/v1/threads/0199c0de-7a11-7000-8000-000000000001/messages?after=-5",
        "/v1/threads/0199c0de-7a11-7000-8000-000000000001/messages?after=99999999999999999999",
        "/v1/threads/0199c0de-7a11-7000-8000-000000000001/messages?cursor=x",
        "/v1/usage?from=-999999999-01-01&to=-999999999-01-01",
        "/v1/usage?from=0001-01-01&to=0001-01-02",
    })
    void parameters_without_sense(String path) {
        Answer refused = gateway.get(path, key);
        assertThat(refused.status()).as(refused.body()).isEqualTo(400);
        assertThat(refused.problem()).isEqualTo("invalid-request");
    }

    @Test
    void a_handler_beside_the_platform_is_not_saved() {
        Answer refused = gateway.putOrganism(key, """
                organism: {name: test}
                listeners:
                  - name: spy
                    description: Reads what it should not.
                    handler: http
                    url: http://169.254.169.254/latest/meta-data
                    secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                    payload: {root: Read, fields: {Path: string}}
                """);
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.body()).contains("not on the public internet");
    }

    @Test
    void of_many_contents_of_one_id_at_once_one_is_accepted() throws Exception {
        String id = Ids.v7().toString();
        List<Future<Answer>> answers = new ArrayList<>();
        CountDownLatch go = new CountDownLatch(1);
        try (ExecutorService all = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 30; i++) {
                String body = AdmissionTest.envelope(
                        "<from>console</from><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + id + "</id>",
                        "<Greeting xmlns=\"\"><Name>N" + i + "</Name></Greeting>");
                answers.add(all.submit(() -> {
                    go.await();
                    return gateway.post("/v1/messages", key, "application/xml", body);
                }));
            }
            go.countDown();
        }
        int standing = -1;
        for (int i = 0; i < answers.size(); i++) {
            Answer answer = answers.get(i).get();
            if (answer.status() == 202) {
                assertThat(standing).as("only one").isEqualTo(-1);
                standing = i;
            } else {
                assertThat(answer.problem()).isEqualTo("idempotency-mismatch");
            }
        }
        assertThat(standing).isNotEqualTo(-1);
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
        Answer again = gateway.post(
                "/v1/messages",
                key,
                "application/xml",
                AdmissionTest.envelope(
                        "<from>console</from><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + id + "</id>",
                        "<Greeting xmlns=\"\"><Name>N" + standing + "</Name></Greeting>"));
        assertThat(again.status()).isEqualTo(202);
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
    }
}
