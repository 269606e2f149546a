package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;

/** What a tenant may try against the platform, or against itself. */
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
