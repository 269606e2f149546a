package io.agentserver.service;

import io.agentserver.envelope.ServiceToken;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

import static org.assertj.core.api.Assertions.assertThat;

class ServiceTokensTest {
    private static final TenantId TENANT = new TenantId("acme");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    private Instant now = Instant.parse("2026-01-31T08:00:00Z");

    private final Clock clock = new Clock() {
        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    };

    @Test
    void a_token_serves_for_a_minute_and_one_of_another_time_for_no_call() throws Exception {
        Path file = directory.resolve("key.json");
        PlatformKeys.createIfAbsent(file);
        PlatformKeys keys = PlatformKeys.load(file);
        ServiceTokens tokens = new ServiceTokens(keys, clock);

        String first = tokens.issue(TENANT, ServiceTokens.BUFFER);
        now = now.plusSeconds(60);
        assertThat(tokens.issue(TENANT, ServiceTokens.BUFFER)).isEqualTo(first);

        for (Duration step : new Duration[] {Duration.ofHours(2), Duration.ofHours(-2), Duration.ofMinutes(-10)}) {
            now = now.plus(step); // the clock is set
            assertThat(ServiceToken.verify(
                            tokens.issue(TENANT, ServiceTokens.BUFFER), keys::find, ServiceTokens.BUFFER, clock))
                    .isPresent();
        }
    }
}
