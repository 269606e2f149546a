package io.agentserver.sealing;

import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TenantKeyTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final byte[] SECRET = "sk-of-acme".getBytes(StandardCharsets.UTF_8);
    private static final List<String> BOUND = ProviderKey.associated(ACME, "openai");

    private final TenantKey key = new TenantKey("1", bytes(7));

    @Test
    void opens_what_it_has_sealed_and_never_seals_alike() {
        byte[] sealed = key.seal(SECRET, BOUND);
        assertThat(key.open(sealed, BOUND)).hasValue(SECRET);
        assertThat(key.seal(SECRET, BOUND)).isNotEqualTo(sealed);
        assertThat(new String(sealed, StandardCharsets.ISO_8859_1)).doesNotContain("sk-of");
        assertThat(key.open(key.seal(new byte[0], BOUND), BOUND)).hasValue(new byte[0]);
    }

    @Test
    void a_value_that_was_moved_to_another_tenant_provider_or_key_does_not_open() {
        byte[] sealed = key.seal(SECRET, BOUND);
        assertThat(key.open(sealed, ProviderKey.associated(new TenantId("evil"), "openai")))
                .isEmpty();
        assertThat(key.open(sealed, ProviderKey.associated(ACME, "anthropic"))).isEmpty();
        assertThat(new TenantKey("1", bytes(8)).open(sealed, BOUND)).isEmpty();
    }

    /** As if the texts were only put one after the other. */
    @Test
    void what_a_value_is_bound_to_is_told_apart_by_its_parts() {
        byte[] sealed = key.seal(SECRET, List.of("provider key", "acme", "openai"));
        assertThat(key.open(sealed, List.of("provider key", "acmeo", "penai"))).isEmpty();
        assertThat(key.open(sealed, List.of("provider keyacmeopenai"))).isEmpty();
        assertThat(key.open(sealed, List.of("provider key", "acme", "openai", "")))
                .isEmpty();
    }

    @Test
    void no_byte_of_a_value_can_be_changed_or_cut_off() {
        byte[] sealed = key.seal(SECRET, BOUND);
        for (int i = 0; i < sealed.length; i++) {
            byte[] changed = sealed.clone();
            changed[i] ^= 1;
            assertThat(key.open(changed, BOUND)).as("byte " + i).isEmpty();
            assertThat(key.open(Arrays.copyOf(sealed, i), BOUND))
                    .as(i + " bytes")
                    .isEmpty();
        }
        assertThat(key.open(Arrays.copyOf(sealed, sealed.length + 1), BOUND)).isEmpty();
    }

    @Test
    void shows_its_id_alone_and_takes_no_other_length() {
        assertThat(key.toString()).contains("1").doesNotContain(HexFormat.of().formatHex(bytes(7)));
        assertThatThrownBy(() -> new TenantKey("1", new byte[16]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("16");
    }

    private static byte[] bytes(int value) {
        byte[] bytes = new byte[TenantKey.BYTES];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
