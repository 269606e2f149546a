package io.agentserver.envelope;

import org.junit.jupiter.api.Test;

import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class IdsTest {
    @Test
    void version_5_is_that_of_rfc_9562() {
        // RFC 9562, appendix A.4
        assertThat(Ids.v5(UUID.fromString("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "www.example.com"))
                .isEqualTo(UUID.fromString("2ed6657d-e927-568b-95e1-2665a8aea6a2"));
    }

    @Test
    void the_same_name_gives_two_tenants_two_ids() {
        assertThat(Ids.inTenant(new TenantId("acme"), "k")).isNotEqualTo(Ids.inTenant(new TenantId("other"), "k"));
    }

    @Test
    void version_7_rises() {
        MessageId first = MessageId.create();
        MessageId second = MessageId.create();
        assertThat(first.value().version()).isEqualTo(7);
        assertThat(second.toString()).isGreaterThan(first.toString());
    }

    @Test
    void version_7_says_when_it_was_made_and_others_do_not() {
        assertThat(Ids.createdAtMs(UUID.fromString("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")))
                .as("RFC 9562, appendix A.6")
                .hasValue(1_645_557_742_000L);
        assertThat(Ids.createdAtMs(Ids.inTenant(new TenantId("acme"), "k"))).isEmpty();
    }

    @Test
    void only_the_full_text_form_is_an_id() {
        assertThatThrownBy(() -> ThreadId.parse("1-1-1-1-1")).hasMessageContaining("1-1-1-1-1");
        assertThat(ThreadId.parse("0199C0DE-7A11-7000-8000-000000000001"))
                .isEqualTo(ThreadId.parse("0199c0de-7a11-7000-8000-000000000001"));
    }
}
