package io.agentserver.service;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PlatformKeysTest {
    @TempDir
    Path directory;

    @Test
    void a_made_key_is_private_and_loads_again() throws Exception {
        Path file = directory.resolve("platform-key.json");
        PlatformKeys.createIfAbsent(file);
        PlatformKeys keys = PlatformKeys.load(file);
        PlatformKeys.createIfAbsent(file);
        assertThat(PlatformKeys.load(file).signing().kid())
                .isEqualTo(keys.signing().kid());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(keys.find(keys.signing().kid())).isPresent();
        assertThat(keys.publicJwks()).contains(keys.signing().kid()).doesNotContain("\"d\"");
    }

    @Test
    void an_unreadable_file_is_named() {
        assertThatThrownBy(() -> PlatformKeys.load(directory.resolve("absent"))).hasMessageContaining("absent");
    }

    @Test
    void a_service_token_is_good_for_its_tenant_and_scope_and_time() throws Exception {
        Path file = directory.resolve("key.json");
        PlatformKeys.createIfAbsent(file);
        PlatformKeys keys = PlatformKeys.load(file);
        TenantId acme = new TenantId("acme");
        String token = new ServiceTokens(keys, Clock.systemUTC()).issue(acme, ServiceTokens.BUFFER);
        ServiceTokens other = new ServiceTokens(keys, Clock.systemUTC());
        assertThat(other.verify(token, ServiceTokens.BUFFER))
                .hasValueSatisfying(c -> assertThat(c.tenant()).isEqualTo(acme));
        assertThat(other.verify(token, ServiceTokens.LLM_CALL)).isEmpty();
        assertThat(other.verify(token + "x", ServiceTokens.BUFFER)).isEmpty();
        Clock later = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(4));
        assertThat(new ServiceTokens(keys, later).verify(token, ServiceTokens.BUFFER))
                .isEmpty();
    }
}
