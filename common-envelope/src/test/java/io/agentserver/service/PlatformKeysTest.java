package io.agentserver.service;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
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
    void a_private_half_of_another_key_is_refused() throws Exception {
        Path file = directory.resolve("key.json");
        Path other = directory.resolve("other.json");
        PlatformKeys.createIfAbsent(file);
        PlatformKeys.createIfAbsent(other);
        Files.writeString(file, Files.readString(file).replace(d(file), d(other)));
        assertThatThrownBy(() -> PlatformKeys.load(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("key.json: the first key's d does not belong to its x");
    }

    @Test
    void what_is_derived_of_an_older_key_stays_the_same_behind_a_new_one() throws Exception {
        Path file = directory.resolve("key.json");
        PlatformKeys.createIfAbsent(file);
        PlatformKeys before = PlatformKeys.load(file);
        String old = before.signing().kid();
        Path fresh = directory.resolve("fresh.json");
        PlatformKeys.createIfAbsent(fresh);
        Files.writeString(file, keys(key(fresh), key(file)));
        PlatformKeys after = PlatformKeys.load(file);

        assertThat(after.derive("a").keySet()).containsExactly(after.signing().kid(), old);
        assertThat(after.derive("a").get(old))
                .hasSize(32)
                .isEqualTo(before.derive("a").get(old))
                .isNotEqualTo(before.derive("b").get(old))
                .isNotEqualTo(after.derive("a").get(after.signing().kid()));
    }

    @Test
    void an_older_key_may_be_there_without_its_private_half() throws Exception {
        Path file = directory.resolve("key.json");
        Path old = directory.resolve("old.json");
        PlatformKeys.createIfAbsent(file);
        PlatformKeys.createIfAbsent(old);
        String kid = PlatformKeys.load(old).signing().kid();
        Files.writeString(
                file,
                keys(
                        key(file),
                        key(old).replace(",\"d\":\"" + d(old) + "\"", "").replace("\"d\":\"" + d(old) + "\",", "")));
        PlatformKeys keys = PlatformKeys.load(file);
        assertThat(keys.find(kid)).isPresent();
        assertThat(keys.derive("a").keySet()).containsExactly(keys.signing().kid());
    }

    /** It would wrap nothing, and open nothing of what the key that it was has wrapped. */
    @Test
    void an_older_key_whose_private_half_is_another_s_is_refused() throws Exception {
        Path file = directory.resolve("key.json");
        Path old = directory.resolve("old.json");
        Path other = directory.resolve("other.json");
        PlatformKeys.createIfAbsent(file);
        PlatformKeys.createIfAbsent(old);
        PlatformKeys.createIfAbsent(other);
        String kid = PlatformKeys.load(old).signing().kid();
        Files.writeString(file, keys(key(file), key(old).replace(d(old), d(other))));
        assertThatThrownBy(() -> PlatformKeys.load(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the d of key " + kid + " does not belong to its x");
    }

    private static String keys(String... keys) {
        return "{\"keys\":[" + String.join(",", keys) + "]}";
    }

    private static String key(Path file) throws IOException {
        return JsonMapper.shared()
                .readTree(Files.readString(file))
                .path("keys")
                .path(0)
                .toString();
    }

    private static String d(Path file) throws IOException {
        return JsonMapper.shared()
                .readTree(Files.readString(file))
                .path("keys")
                .path(0)
                .path("d")
                .stringValue();
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
