package io.agentserver.sealing;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KeyWrapTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final byte[] KEY =
            "a data key, which has 32 bytes..".getBytes(java.nio.charset.StandardCharsets.UTF_8);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private PlatformFile platform;

    @SuppressWarnings("NullAway.Init")
    private KeyWrap wrap;

    @BeforeEach
    void a_platform() {
        platform = new PlatformFile(directory);
        wrap = new KeyWrap(platform.all());
    }

    @Test
    void every_process_of_the_platform_unwraps_what_another_has_wrapped() {
        byte[] wrapped = wrap.wrap(ACME, "1", KEY);
        assertThat(new KeyWrap(platform.all()).unwrap(ACME, "1", wrap.kid(), wrapped))
                .isEqualTo(KEY);
        assertThat(wrap.wrap(ACME, "1", KEY)).isNotEqualTo(wrapped);
    }

    @Test
    void a_wrapped_key_that_was_moved_to_another_tenant_or_id_does_not_unwrap() {
        byte[] wrapped = wrap.wrap(ACME, "1", KEY);
        assertThatThrownBy(() -> wrap.unwrap(new TenantId("evil"), "1", wrap.kid(), wrapped))
                .isInstanceOf(KeysUnavailableException.class);
        assertThatThrownBy(() -> wrap.unwrap(ACME, "2", wrap.kid(), wrapped))
                .isInstanceOf(KeysUnavailableException.class)
                .hasMessageContaining("data key 2 of tenant acme does not open");
        wrapped[20] ^= 1;
        assertThatThrownBy(() -> wrap.unwrap(ACME, "1", wrap.kid(), wrapped))
                .isInstanceOf(KeysUnavailableException.class);
    }

    @Test
    void after_a_rotation_old_wrappings_open_and_new_ones_are_under_the_new_key() {
        byte[] old = wrap.wrap(ACME, "1", KEY);
        KeyWrap rotated = new KeyWrap(platform.rotate());
        assertThat(rotated.kid()).isNotEqualTo(wrap.kid());
        assertThat(rotated.unwrap(ACME, "1", wrap.kid(), old)).isEqualTo(KEY);
        byte[] fresh = rotated.wrap(ACME, "1", KEY);
        assertThat(rotated.unwrap(ACME, "1", rotated.kid(), fresh)).isEqualTo(KEY);
        assertThatThrownBy(() -> rotated.unwrap(ACME, "1", wrap.kid(), fresh))
                .as("each has a key of its own")
                .isInstanceOf(KeysUnavailableException.class);
    }

    @Test
    void a_platform_key_that_is_gone_is_named_with_the_remedy() {
        byte[] old = wrap.wrap(ACME, "1", KEY);
        platform.rotate();
        KeyWrap without = new KeyWrap(platform.forgetTheOld());
        assertThatThrownBy(() -> without.unwrap(ACME, "1", wrap.kid(), old))
                .isInstanceOf(KeysUnavailableException.class)
                .hasMessageContaining(wrap.kid())
                .hasMessageContaining("put it back into the file that AGENTSERVER_PLATFORM_KEY names");
    }
}
