package io.agentserver.gateway.callers;

import io.agentserver.envelope.Meta;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.ServiceTokens;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

import static org.assertj.core.api.Assertions.assertThat;

class PayerTest {
    private static final TenantId ACME = new TenantId("acme");

    @Test
    void a_signed_envelope_is_read_in_the_share_of_whom_it_says_it_is_of() {
        assertThat(claimed(envelope("<jwt xmlns=\"u\">", token("{\"iss\":\"acme\"}"))))
                .isEqualTo(new Payer(ACME, false));
        assertThat(claimed(envelope("<s:jwt>\n  ", token("{\"aud\": \"x\", \"iss\" : \"acme\"}"))))
                .isEqualTo(new Payer(ACME, false));
    }

    /** Each of a batch is verified in its own signer's share. */
    @Test
    void what_was_read_is_verified_in_the_share_of_its_signer() {
        assertThat(Payer.signer(signed(token("{\"iss\":\"acme\"}")), ACME::equals))
                .isEqualTo(new Payer(ACME, false));
        assertThat(Payer.signer(signed("no token"), ACME::equals)).isEqualTo(new Payer(ServiceTokens.PLATFORM, false));
    }

    /** A stranger may say anything: it must cost the tenant nothing of what it sends with an API key. */
    @Test
    void what_is_only_said_is_not_the_tenant_s_own_share() {
        assertThat(claimed(envelope("<jwt>", token("{\"iss\":\"acme\"}")))).isNotEqualTo(Payer.of(ACME));
    }

    @Test
    void all_others_share_one() {
        Payer strangers = new Payer(ServiceTokens.PLATFORM, false);

        assertThat(claimed("")).isEqualTo(strangers);
        assertThat(claimed("<message/>")).isEqualTo(strangers);
        assertThat(claimed(envelope("<jwt>", token("{\"iss\":\"nobody\"}")))).isEqualTo(strangers);
        assertThat(claimed(envelope("<jwt>", token("{\"iss\":\"ACME\"}")))).isEqualTo(strangers);
        assertThat(claimed(envelope("<jwt>", token("{}")))).isEqualTo(strangers);
        assertThat(claimed(envelope("<jwt>", "a.b.c"))).isEqualTo(strangers);
        assertThat(claimed("<jwt".repeat(60_000))).isEqualTo(strangers);
    }

    private static Meta signed(String token) {
        return new Meta("client", null, null, null, token, null, null, null);
    }

    private static Payer claimed(String body) {
        return Payer.claimedBy(body.getBytes(StandardCharsets.UTF_8), ACME::equals);
    }

    private static String envelope(String start, String token) {
        return "<message><meta>" + start + token + "</jwt></meta></message>";
    }

    private static String token(String claims) {
        return "e30." + Base64.getUrlEncoder().withoutPadding().encodeToString(claims.getBytes(StandardCharsets.UTF_8))
                + ".c2ln";
    }
}
