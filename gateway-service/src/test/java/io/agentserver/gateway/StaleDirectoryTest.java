package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.RespondToken;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.log.LogTopics;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.Brokers;
import io.agentserver.service.ServiceApplication;
import io.agentserver.tenancy.TenantDirectory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;

import java.net.http.HttpRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

/** A gateway that has heard no heartbeat of the directory for 30 s honours no key, of no kind: it may have missed a revocation. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StaleDirectoryTest {
    private static final String GREETING =
            AdmissionTest.envelope("<from>console</from>", "<Greeting xmlns=\"\"><Name>World</Name></Greeting>");
    private static final AtomicLong AHEAD = new AtomicLong();
    private static volatile boolean flies;

    /** As ever; or 31 s later each time, so that every heartbeat was that long ago for whoever asks then. */
    private static long nanoTime() {
        return System.nanoTime()
                + (flies ? AHEAD.addAndGet(Duration.ofSeconds(31).toNanos()) : AHEAD.get());
    }

    /** A gateway whose directory goes by that time. */
    @SpringBootConfiguration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(GatewayConfiguration.class)
    static class WhereTimeFlies {
        @Bean
        @Primary
        TenantDirectory directoryWhereTimeFlies(Brokers brokers, LogTopics created) {
            return new TenantDirectory(brokers, StaleDirectoryTest::nanoTime).start();
        }
    }

    private final LocalStores stores;
    private final RunningGateway gateway;
    private String tenant = "";
    private String key = "";

    StaleDirectoryTest(LocalStores stores) {
        this.stores = stores;
        this.gateway = new RunningGateway(
                ServiceApplication.start(WhereTimeFlies.class, "gateway", RunningGateway.settings(stores, Map.of())));
    }

    @AfterAll
    void close() {
        gateway.close();
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        tenant = "h" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    @AfterEach
    void a_heartbeat_is_heard_again() {
        flies = false;
        Awaitility.await().until(() -> gateway.get("/v1/listeners", key).status() == 200);
    }

    @Test
    void an_api_key_is_honoured_by_no_call() {
        assertThat(gateway.post("/v1/messages", key, "application/xml", GREETING)
                        .status())
                .isEqualTo(202);
        assertThat(ready()).isEqualTo(200);
        flies = true;

        assertStale(gateway.get("/v1/listeners", key));
        assertStale(gateway.get("/v1/keys", key));
        assertStale(gateway.post("/v1/messages", key, "application/xml", GREETING));
        assertStale(gateway.post("/v1/messages", key, "application/json", "{}"));
        assertStale(gateway.post(
                "/v1/messages", key, "application/vnd.agentserver.batch+xml", "<batch>" + GREETING + "</batch>"));
        assertStale(gateway.get("/v1/listeners", "as_live_nobodys"));
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
        assertThat(ready()).as("no more requests, please").isEqualTo(503);
    }

    @Test
    void an_envelope_that_the_org_has_signed_is_not_admitted() {
        SigningOrg org = new SigningOrg(gateway);
        assertThat(org.send(org.signed(SigningOrg.unsigned())).status()).isEqualTo(202);
        flies = true;

        assertStale(org.send(org.signed(SigningOrg.unsigned())));
        assertThat(LogReader.all(stores, org.tenant)).hasSize(1);
    }

    /** Its time is over: a gateway that looks at it says so. */
    @Test
    void a_token_of_a_late_answer_is_not_looked_at() {
        ThreadId conversation = new ThreadId(Ids.v7());
        String token = RespondToken.issue(
                gateway.platformKeys().signing(),
                new RespondToken.Asked(
                        new TenantId(tenant),
                        conversation,
                        conversation,
                        MessageId.create(),
                        "greeter",
                        1,
                        Instant.now().minusSeconds(90)));
        assertThat(respond(token).status()).isEqualTo(410);
        flies = true;

        assertStale(respond(token));
    }

    private Answer respond(String token) {
        return gateway.send(gateway.request("/v1/respond/" + token)
                .header("Content-Type", "application/xml")
                .POST(HttpRequest.BodyPublishers.ofString("<Decision/>")));
    }

    private int ready() {
        return gateway.send(gateway.managementRequest("/actuator/health/readiness"))
                .status();
    }

    private static void assertStale(Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(503);
        assertThat(answer.problem()).isEqualTo("unavailable");
        assertThat(answer.json().path("detail").asString()).contains("tenant directory", "honours no key");
        assertThat(answer.header("Retry-After")).isNotEmpty();
    }
}
