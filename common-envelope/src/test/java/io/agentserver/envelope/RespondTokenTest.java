package io.agentserver.envelope;

import io.agentserver.envelope.RespondToken.Asked;
import io.agentserver.service.PlatformKeys;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class RespondTokenTest {
    private static final Instant UNTIL = Instant.parse("2026-01-01T10:00:00Z");
    private static final Asked ASKED = new Asked(
            new TenantId("acme"),
            ThreadId.parse("0199c0de-7a11-7000-8000-000000000001"),
            ThreadId.parse("0199c0de-7a11-7000-8000-000000000002"),
            MessageId.parse("0199c0de-7a11-7000-8000-0000000000aa"),
            "approver",
            7,
            UNTIL);

    @SuppressWarnings("NullAway.Init")
    private PlatformKeys keys;

    @BeforeEach
    void make(@TempDir Path directory) throws IOException {
        keys = keys(directory, "key.json");
    }

    @Test
    void says_which_message_it_is_for() {
        String token = RespondToken.issue(keys.signing(), ASKED);
        assertThat(RespondToken.verify(token, keys::find)).hasValue(ASKED);
        assertThat(token).as("a path segment").matches("[A-Za-z0-9._-]{100,1000}");
    }

    @Test
    void is_over_a_minute_after_its_time() {
        assertThat(ASKED.isOver(UNTIL.plusSeconds(60))).isFalse();
        assertThat(ASKED.isOver(UNTIL.plusSeconds(61))).isTrue();
    }

    @Test
    void another_keys_another_types_and_what_was_changed_is_none(@TempDir Path directory) throws IOException {
        String token = RespondToken.issue(keys.signing(), ASKED);
        PlatformKeys others = keys(directory, "other.json");
        assertThat(RespondToken.verify(token, others::find)).isEmpty();
        assertThat(RespondToken.verify(token, _ -> others.find(others.signing().kid())))
                .isEmpty();
        int claims = token.indexOf('.') + 1;
        for (int at = claims; at < token.length(); at += 7) {
            char other = token.charAt(at) == 'A' ? 'B' : 'A';
            String changed = token.substring(0, at) + other + token.substring(at + 1);
            assertThat(RespondToken.verify(changed, keys::find)).as(changed).isEmpty();
        }
        for (String type : new String[] {"service+jwt", "envelope+jwt", "JWT", "Respond+jwt"}) {
            String typed = CompactJws.sign(keys.signing(), type, Map.of("iss", "agentserver", "aud", "agentserver"));
            assertThat(RespondToken.verify(typed, keys::find)).as(type).isEmpty();
        }
    }

    @Test
    void is_no_token_of_calls_between_services() {
        String token = RespondToken.issue(keys.signing(), ASKED);
        assertThat(ServiceToken.verify(token, keys::find, "buffer", Clock.systemUTC()))
                .isEmpty();
        String service = ServiceToken.issue(keys.signing(), new TenantId("acme"), "buffer", Clock.systemUTC());
        assertThat(RespondToken.verify(service, keys::find)).isEmpty();
    }

    private static PlatformKeys keys(Path directory, String name) throws IOException {
        Path file = directory.resolve(name);
        PlatformKeys.createIfAbsent(file);
        return PlatformKeys.load(file);
    }
}
