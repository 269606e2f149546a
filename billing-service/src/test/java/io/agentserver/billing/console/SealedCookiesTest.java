package io.agentserver.billing.console;

import io.agentserver.envelope.JwsAlgorithm;
import io.agentserver.envelope.SigningKey;
import org.junit.jupiter.api.Test;

import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class SealedCookiesTest {
    private static final Instant NOW = Instant.parse("2026-03-14T12:00:00Z");
    private static final Map<String, String> CONTENT = Map.of("email", "a@x.test");

    private final SigningKey key = key();
    private final SealedCookies cookies = at(key, NOW);

    @Test
    void another_pod_opens_what_one_sealed() {
        String text = cookies.seal("session", CONTENT, Duration.ofHours(1));
        assertThat(text).doesNotContain("x.test").matches("[A-Za-z0-9_-]+");
        assertThat(at(key, NOW.plusSeconds(3599)).open("session", text)).contains(CONTENT);
    }

    @Test
    void nothing_else_opens() {
        String text = cookies.seal("session", CONTENT, Duration.ofHours(1));
        assertThat(cookies.open("other", text)).isEmpty();
        assertThat(at(key, NOW.plusSeconds(3600)).open("session", text)).isEmpty();
        assertThat(at(key(), NOW).open("session", text)).isEmpty();
        for (int i = 0; i < text.length(); i++) {
            char other = text.charAt(i) == 'A' ? 'B' : 'A';
            String changed = text.substring(0, i) + other + text.substring(i + 1);
            if (i < text.length() - 1) { // the last character has bits that mean nothing
                assertThat(cookies.open("session", changed))
                        .as("character %d", i)
                        .isEmpty();
            }
        }
        for (String nonsense : new String[] {"", "A", "äöü", "AAAAAAAAAAAAAAAA", "x".repeat(5000)}) {
            assertThat(cookies.open("session", nonsense)).as(nonsense).isEmpty();
        }
    }

    private static SealedCookies at(SigningKey key, Instant now) {
        return new SealedCookies(key, Clock.fixed(now, ZoneOffset.UTC));
    }

    private static SigningKey key() {
        try {
            return new SigningKey(
                    "k",
                    JwsAlgorithm.EdDSA,
                    KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate());
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }
}
