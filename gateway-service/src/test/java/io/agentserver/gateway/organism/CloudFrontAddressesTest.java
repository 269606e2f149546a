package io.agentserver.gateway.organism;

import org.junit.jupiter.api.Test;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.Signature;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.stream.Collectors;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

class CloudFrontAddressesTest {
    private final KeyPair keys = rsa();

    /** What CloudFront does with an address, as its documentation says: it puts the policy together again. */
    @Test
    void signs_what_cloudfront_verifies() throws Exception {
        URI address = at("2026-01-01T00:03:00Z").of("acme/0a.xsd");

        assertThat(address.toString()).startsWith("https://static.example.com/acme/0a.xsd?");
        Map<String, String> query = Arrays.stream(address.getQuery().split("&", -1))
                .map(parameter -> parameter.split("=", 2))
                .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));
        assertThat(query).containsEntry("Key-Pair-Id", "K1").containsOnlyKeys("Expires", "Signature", "Key-Pair-Id");
        String until = requireNonNull(query.get("Expires"));
        Signature signature = Signature.getInstance("SHA1withRSA");
        signature.initVerify(keys.getPublic());
        signature.update(("{\"Statement\":[{\"Resource\":\"https://static.example.com/acme/0a.xsd\",\"Condition\":"
                        + "{\"DateLessThan\":{\"AWS:EpochTime\":" + until + "}}}]}")
                .getBytes(StandardCharsets.UTF_8));
        String base64 = requireNonNull(query.get("Signature"))
                .replace('-', '+')
                .replace('_', '=')
                .replace('~', '/');
        assertThat(signature.verify(Base64.getDecoder().decode(base64))).isTrue();
        assertThat(Instant.ofEpochSecond(Long.parseLong(until))).isEqualTo("2026-01-01T00:20:00Z");
    }

    @Test
    void stays_the_same_for_ten_minutes() {
        URI first = at("2026-01-01T00:00:00Z").of("acme/0a.xsd");

        assertThat(at("2026-01-01T00:09:59Z").of("acme/0a.xsd")).isEqualTo(first);
        assertThat(at("2026-01-01T00:10:00Z").of("acme/0a.xsd")).isNotEqualTo(first);
    }

    private CloudFrontAddresses at(String time) {
        return new CloudFrontAddresses(
                "https://static.example.com",
                "K1",
                keys.getPrivate(),
                Clock.fixed(Instant.parse(time), ZoneOffset.UTC));
    }

    private static KeyPair rsa() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            return generator.generateKeyPair();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
