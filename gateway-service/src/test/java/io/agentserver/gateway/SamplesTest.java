package io.agentserver.gateway;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.Samples.Expect;
import io.agentserver.gateway.Samples.Sample;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.ServiceApplication;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every sample message of {@code common-envelope/samples}, through HTTP: it is answered as the index says, and
 * the log has what was accepted, in the canonical form of the index, and nothing else.
 */
@ExtendWith(GatewayExtension.class)
@TestInstance(Lifecycle.PER_CLASS)
class SamplesTest {
    private static final Samples SAMPLES = Samples.load();

    /** A gateway that judges signatures at the samples' time; all else goes by the real one. */
    @SpringBootConfiguration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(GatewayConfiguration.class)
    static class AtTheSamplesTime {
        @Bean
        @Primary
        EnvelopeToken tokensAtTheSamplesTime() {
            return new EnvelopeToken(Clock.fixed(SAMPLES.clock(), ZoneOffset.UTC));
        }
    }

    private final LocalStores stores;
    private final RunningGateway gateway;
    private String key = "";

    SamplesTest(LocalStores stores) {
        this.stores = stores;
        this.gateway = new RunningGateway(
                ServiceApplication.start(AtTheSamplesTime.class, "gateway", RunningGateway.settings(stores, Map.of())));
    }

    static List<Sample> samples() {
        return SAMPLES.samples();
    }

    @BeforeAll
    void the_samples_tenant() {
        key = gateway.createTenant(SAMPLES.tenant());
        Answer organism = gateway.putOrganism(key, SAMPLES.organismYaml());
        assertThat(organism.status()).as(organism.body()).isEqualTo(200);
        for (String jwk : SAMPLES.registeredJwks()) {
            Answer registered = gateway.post("/v1/signing-keys", key, "application/json", jwk);
            assertThat(registered.status()).as(registered.body()).isEqualTo(201);
        }
    }

    @AfterAll
    void close() {
        gateway.close();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void each_is_answered_as_the_index_says(Sample sample) {
        Answer answer = send(sample);
        Expect expect = sample.expect();
        if (expect.isAccepted()) {
            assertThat(answer.status()).as(answer.body()).isEqualTo(202);
            return;
        }
        assertThat(answer.status()).as(answer.body()).isEqualTo(expect.status());
        assertThat(answer.problem()).isEqualTo(expect.problem());
        if (expect.pointer() != null) {
            assertThat(answer.json().path("pointer").asString("")).isEqualTo(expect.pointer());
        }
    }

    /** Sent again, they are the same messages. */
    @Test
    void the_log_has_the_canonical_form_of_what_was_accepted_and_nothing_else() {
        List<Sample> withIds = samples().stream()
                .filter(sample -> sample.expect().isAccepted() && !sample.name().startsWith("without-"))
                .toList();
        withIds.forEach(
                sample -> assertThat(send(sample).status()).as(sample.name()).isEqualTo(202));
        Map<String, Long> logged = LogReader.all(stores, SAMPLES.tenant()).stream()
                .map(record -> EnvelopeDocument.readOwn(new String(record.value(), StandardCharsets.UTF_8)))
                .collect(Collectors.groupingBy(SamplesTest::asSent, Collectors.counting()));
        for (Sample sample : withIds) {
            assertThat(logged.remove(sample.expect().canonicalSha256()))
                    .as(sample.name())
                    .isEqualTo(1);
        }
        long withoutIds = samples().stream()
                .filter(sample -> sample.name().startsWith("without-"))
                .count();
        assertThat(logged.size()).as("messages that got ids, and no others").isLessThanOrEqualTo((int) withoutIds);
    }

    /** The platform adds its token to what was not signed; whoever signed gets it on the log as it was. */
    private static String asSent(Envelope logged) {
        String jwt = String.valueOf(logged.meta().jwt());
        boolean byPlatform = new String(Base64.getUrlDecoder().decode(jwt.split("\\.", -1)[1]), StandardCharsets.UTF_8)
                .contains("\"iss\":\"agentserver\"");
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256")
                            .digest(
                                    byPlatform
                                            ? logged.signedForm().getBytes(StandardCharsets.UTF_8)
                                            : logged.bytes()));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private Answer send(Sample sample) {
        HttpRequest.Builder request = gateway.request("/v1/messages")
                .header("Content-Type", "application/xml")
                .POST(HttpRequest.BodyPublishers.ofByteArray(sample.bytes()));
        return gateway.send(sample.signed() ? request : request.header("Authorization", "Bearer " + key));
    }
}
