package io.agentserver.gateway;

import com.nimbusds.jose.util.Base64URL;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import static io.agentserver.gateway.SigningOrg.unsigned;
import static io.agentserver.gateway.SigningOrg.with;
import static org.assertj.core.api.Assertions.assertThat;

/** Who says by a signature of its own who it is, and lies: one and the same 401 for every cause, and nothing on the log. */
@ExtendWith(GatewayExtension.class)
class IdentityTest {
    private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private final RunningGateway gateway;
    private final LocalStores stores;
    private final SigningOrg org;
    private final Envelope unsigned = unsigned();

    IdentityTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
        this.org = new SigningOrg(gateway);
    }

    /** Else every refusal below would show nothing. */
    @Test
    void a_token_made_by_hand_is_taken_if_all_is_right_with_it() {
        assertThat(org.send(org.signed(unsigned)).status()).isEqualTo(202);
        Envelope soon = unsigned();
        Map<String, Object> claims = org.claims(soon);
        claims.replaceAll((name, value) -> Set.of("iat", "exp").contains(name) ? (Long) value + 30 : value);
        assertThat(org.send(with(soon, org.token(org.header(), claims))).status())
                .as("a clock that is 30 s ahead")
                .isEqualTo(202);
    }

    // signed part moved or wrapped; second meta, message, jwt

    @Test
    void a_signed_part_that_was_moved_or_wrapped_is_401() {
        String signed = org.signed(unsigned);
        String jwt = SigningOrg.jwt(org.token(org.header(), org.claims(unsigned)));
        String meta = signed.substring(signed.indexOf("<meta>"), signed.indexOf("</meta>") + "</meta>".length());
        String evil = meta.replace("<from>console</from>", "<from>root</from>");
        String payload = signed.substring(signed.indexOf("<Greeting"), signed.indexOf("</message>"));
        String message = "<message xmlns=\"" + EnvelopeNames.ENVELOPE + "\">";
        String other = payload.replace("World", "Mallory");
        List<String> forged = List.of(
                // wrapped: as the payload of another, inside its meta, inside another payload
                message + evil + signed + "</message>",
                message + meta.replace("</meta>", "<w xmlns=\"urn:w\">" + signed + "</w></meta>") + other
                        + "</message>",
                message + meta + other.replace("</Greeting>", signed + "</Greeting>") + "</message>",
                message + "<w xmlns=\"urn:w\">" + meta + "</w>" + payload + "</message>",
                // moved
                message + meta.replace("</meta>", payload + "</meta>") + other + "</message>",
                signed.replace(jwtOf(signed), "").replace("</Greeting>", jwtOf(signed) + "</Greeting>"),
                signed.replace(jwtOf(signed), "").replace("<meta>", jwtOf(signed) + "<meta>"),
                message + payload + meta + "</message>",
                // second
                signed.replace("</meta>", "</meta>" + meta),
                signed.replace("<meta>", evil + "<meta>"),
                signed.replace("</meta>", jwt + "</meta>"),
                signed.replace("</meta>", SigningOrg.jwt("x.y.z") + "</meta>"),
                signed.replace("</message>", signed + "</message>"),
                signed.replace("</message>", other + "</message>"));
        for (String xml : forged) {
            assertRefused(xml);
        }
    }

    private static String jwtOf(String xml) {
        return xml.substring(xml.indexOf("<jwt"), xml.indexOf("</jwt>") + "</jwt>".length());
    }

    // alg none, HMAC, or another than the key's; kid with path or SQL; jku, x5u, jwk; crit

    @Test
    void alg_none_hmac_or_another_than_the_keys_is_401() throws GeneralSecurityException {
        String claims = SigningOrg.json(org.claims(unsigned));
        for (String alg : List.of("none", "None", "NONE", "", "HS256", "HS512", "ES256", "RS256", "Ed25519", "eddsa")) {
            Map<String, Object> header = org.header();
            header.put("alg", alg);
            String json = SigningOrg.json(header);
            assertRefused(with(unsigned, org.token(json, claims)));
            String content = SigningOrg.base64(json) + "." + SigningOrg.base64(claims);
            assertRefused(with(unsigned, content + "."));
            assertRefused(with(unsigned, content + "." + hmac(content, org.publicBytes())));
        }
    }

    /** With what everybody knows as the secret. */
    private static String hmac(String content, byte[] secret) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        return Base64URL.encode(mac.doFinal(content.getBytes(StandardCharsets.US_ASCII)))
                .toString();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../../etc/passwd",
                "/dev/null",
                "the-key/../the-key",
                "' OR '1'='1",
                "the-key'; DROP TABLE tenants; --",
                "the-key\u0000",
                "THE-KEY",
                "the-key ",
                "*",
                "",
                "http://127.0.0.1/key"
            })
    void a_kid_with_path_or_sql_is_401(String kid) {
        Map<String, Object> header = org.header();
        header.put("kid", kid);
        assertRefused(with(unsigned, org.token(header, org.claims(unsigned))));
    }

    @Test
    void jku_x5u_jwk_and_crit_are_401_and_no_connection_is_opened_nor_a_name_looked_up() throws Exception {
        KeyPair mallorys = SigningOrg.newPair();
        try (UncalledServer server = new UncalledServer()) {
            Map<String, List<Object>> members = Map.of(
                    "jku", List.copyOf(server.urls("/keys.json")),
                    "x5u", List.copyOf(server.urls("/certificate.pem")),
                    "jwk", List.of(RunningGateway.JSON.readTree(SigningOrg.jwk(SigningOrg.KID, mallorys))),
                    "x5c", List.of(List.of("MIIB")),
                    "crit", List.of(List.of("exp")),
                    "zip", List.of("DEF"),
                    "b64", List.of(false));
            String claims = SigningOrg.json(org.claims(unsigned));
            members.forEach((member, values) -> values.forEach(value -> {
                Map<String, Object> header = org.header();
                header.put(member, value);
                assertRefused(with(unsigned, org.token(SigningOrg.json(header), claims)));
                assertRefused(with(unsigned, SigningOrg.token(SigningOrg.json(header), claims, mallorys)));
            }));
        }
    }

    @Test
    void another_type_of_token_is_401() {
        for (String typ : List.of("JWT", "service+jwt", "respond+jwt", "ENVELOPE+JWT", "")) {
            Map<String, Object> header = org.header();
            header.put("typ", typ);
            assertRefused(with(unsigned, org.token(header, org.claims(unsigned))));
        }
    }

    // sloppy base64url, duplicate JSON members, extra segments

    @Test
    void sloppy_base64url_and_extra_segments_are_401() {
        String token = org.token(org.header(), org.claims(unsigned));
        String[] parts = token.split("\\.", -1);
        char last = token.charAt(token.length() - 1);
        // of 86 characters for 64 bytes, the last four bits say nothing
        String stray = token.substring(0, token.length() - 1) + ALPHABET.charAt(ALPHABET.indexOf(last) + 1);
        List<UnaryOperator<String>> sloppy = List.of(
                t -> stray,
                t -> t + "=",
                t -> t + "==",
                t -> parts[0] + "=." + parts[1] + "." + parts[2],
                t -> t + ".",
                t -> t + ".x",
                t -> "." + t,
                t -> parts[0] + ".." + parts[2],
                t -> parts[1] + "." + parts[0] + "." + parts[2],
                t -> parts[0] + "." + parts[1],
                t -> t.replace('_', '/').replace('-', '+') + "+",
                t -> parts[0] + ".\n" + parts[1] + "." + parts[2],
                t -> t.substring(0, 40) + " " + t.substring(40),
                t -> t.substring(0, 40) + "<x xmlns=\"\"/>" + t.substring(40),
                t -> t + "A".repeat(9000));
        for (UnaryOperator<String> way : sloppy) {
            assertRefused(with(unsigned, way.apply(token)));
        }
    }

    @Test
    void duplicate_json_members_and_what_is_no_json_object_are_401() {
        String header = SigningOrg.json(org.header());
        String claims = SigningOrg.json(org.claims(unsigned));
        for (String twice : List.of("\"iss\":\"" + org.tenant + "\"", "\"exp\":9999999999", "\"sub\":\"console\"")) {
            assertRefused(with(unsigned, org.token(header, claims.replaceFirst("\\{", "{" + twice + ","))));
            assertRefused(with(unsigned, org.token(header, claims.replaceFirst("}$", "," + twice + "}"))));
        }
        assertRefused(with(unsigned, org.token(header.replaceFirst("\\{", "{\"alg\":\"none\","), claims)));
        assertRefused(with(unsigned, org.token(header.replaceFirst("}$", ",\"kid\":\"the-key\"}"), claims)));
        for (String none : List.of("[]", "null", "\"x\"", "1", "{", claims + "{}", "[" + claims + "]", "")) {
            assertRefused(with(unsigned, org.token(header, none)));
        }
        assertRefused(with(unsigned, org.token(header, "[".repeat(3000))));
    }

    // expired, from the future, lifetime over 300 s, wrong aud, iss, tenant, sub, thread, jti

    @ParameterizedTest
    @CsvSource({
        "expired, -400, -100",
        "just over the skew, -361, -61",
        "from the future, 100, 400",
        "lifetime over 300 s, 0, 301",
        "lifetime of years, 0, 99999999",
        "the wrong way round, 0, -1",
    })
    void what_is_expired_from_the_future_or_lives_over_300_s_is_401(String what, long issued, long expires) {
        long now = Instant.now().getEpochSecond();
        assertRefusedWith(Map.of("iat", now + issued, "exp", now + expires));
    }

    @Test
    void times_that_are_no_times_are_401() {
        long now = Instant.now().getEpochSecond();
        for (Object wrong : List.of(
                String.valueOf(now),
                now + 0.5,
                -1,
                Long.MAX_VALUE,
                new BigInteger("99999999999999999999"),
                true,
                List.of(now))) {
            assertRefusedWith(Map.of("iat", wrong));
            assertRefusedWith(Map.of("exp", wrong));
            assertRefusedWith(Map.of("iat", wrong, "exp", wrong));
        }
        assertRefused(with(
                unsigned,
                org.token(
                        SigningOrg.json(org.header()),
                        SigningOrg.json(org.claims(unsigned)).replace("\"exp\":", "\"exp\":1e999999999,\"e\":"))));
    }

    @Test
    void a_wrong_aud_iss_tenant_sub_thread_jti_or_digest_is_401() {
        SigningOrg another = new SigningOrg(gateway);
        String id = Ids.v7().toString();
        Map<String, List<Object>> wrong = Map.of(
                "aud", List.of("agentserver.example", "", List.of("agentserver"), List.of("agentserver", "x")),
                "iss",
                        List.of(
                                another.tenant,
                                "agentserver",
                                "",
                                "../" + org.tenant,
                                org.tenant.toUpperCase(Locale.ROOT),
                                7),
                "tenant", List.of(another.tenant, "agentserver", "", org.tenant + "\u0000", 7),
                "sub", List.of("Console", "console ", "greeter", "core", ""),
                "thread", List.of(id, unsigned.meta().requiredId().toString(), ""),
                "jti", List.of(id, unsigned.meta().requiredThread().toString(), ""),
                "digest", List.of(unsigned().digestClaim(), "", "sha-256=::", "md5=:AAAA:"));
        wrong.forEach((claim, values) -> values.forEach(value -> assertRefusedWith(Map.of(claim, value))));
        for (String claim : org.claims(unsigned).keySet()) {
            Map<String, Object> without = org.claims(unsigned);
            without.remove(claim);
            assertRefused(with(unsigned, org.token(org.header(), without)));
        }
        assertRefusedWith(Map.of("iss", another.tenant, "tenant", another.tenant));
        assertThat(LogReader.all(stores, another.tenant)).isEmpty();
    }

    /** Its kid is registered by each of them, with a key of its own. */
    @Test
    void another_tenants_key_of_the_same_kid_signs_nothing_for_this_one() {
        SigningOrg mallory = new SigningOrg(gateway);
        assertRefused(with(unsigned, mallory.token(org.header(), org.claims(unsigned))));
    }

    /** Nobody but the platform says what happens inside a turn. */
    @ParameterizedTest
    @ValueSource(strings = {"turn", "cause", "version"})
    void the_platforms_own_claims_in_an_orgs_token_are_401(String claim) {
        Object value = claim.equals("version") ? 1 : Ids.v7().toString();
        assertRefusedWith(Map.of(claim, value));
        assertRefusedWith(Map.of("turn", Ids.v7().toString(), "cause", Ids.v7().toString(), "version", 1));
        // and with the elements beside them, in the org's own name or in the platform's
        MessageId id = MessageId.create();
        String inside = "<%s xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + id + "</%1$s>";
        Envelope pretender = pretender(inside.formatted("turn") + inside.formatted("cause"));
        for (String issuer : List.of(org.tenant, "agentserver")) {
            Map<String, Object> claims = org.claims(pretender);
            claims.putAll(Map.of("iss", issuer, "turn", id.toString(), "cause", id.toString(), "version", 1));
            assertRefused(with(pretender, org.token(org.header(), claims)));
        }
    }

    private Envelope pretender(String meta) {
        return EnvelopeDocument.readOwn(unsigned.xml().replace("</meta>", meta + "</meta>"));
    }

    // one byte of the body changed

    @Test
    void one_byte_of_the_body_changed_is_401() {
        String signed = org.signed(unsigned);
        List<String> changed = List.of(
                signed.replace("World", "Worle"),
                signed.replace("World", "World "),
                signed.replace("<Name>", "<Name a=\"\">"),
                signed.replace("<Name>", "<Name xml:lang=\"\">"),
                signed.replace("</Greeting>", "<Times>1</Times></Greeting>"),
                signed.replace("<from>console", "<from>consolf"),
                signed.replace("<meta>", "<meta> "),
                signed.replace("</meta>", "<x xmlns=\"urn:x\"/></meta>"),
                signed.replace("<from>console</from>", "<from>console</from><to>greeter</to>"),
                signed.replace(unsigned.meta().requiredId().toString(), Ids.v7().toString()),
                signed.replace(
                        unsigned.meta().requiredThread().toString(), Ids.v7().toString()));
        changed.forEach(this::assertRefused);
        assertThat(org.send(signed).status())
                .as("it is still as good as it was")
                .isEqualTo(202);
    }

    // the same envelope again; the same id, another body

    @Test
    void the_same_envelope_again_in_another_spelling_and_with_another_token_is_the_same_message() {
        Answer first = org.send(org.signed(unsigned));
        Map<String, Object> earlier = org.claims(unsigned);
        earlier.replaceAll((name, value) -> name.equals("iat") || name.equals("exp") ? (Long) value - 9 : value);
        String again = with(unsigned, org.token(org.header(), earlier));

        assertThat(first.status()).as(first.body()).isEqualTo(202);
        assertThat(org.send(again).body()).isEqualTo(first.body());
        assertThat(org.send("<?xml version='1.0'?>\n" + again.replace("<Name>", "<Name >") + "\n")
                        .body())
                .isEqualTo(first.body());
        assertThat(LogReader.all(stores, org.tenant)).hasSize(1);
    }

    @Test
    void the_same_id_with_another_body_is_422_and_the_first_stands() {
        ThreadId thread = unsigned.meta().requiredThread();
        MessageId id = unsigned.meta().requiredId();
        Answer first = org.send(org.signed(unsigned));
        Answer other = org.send(org.signed(unsigned("Mallory", thread, id)));

        assertThat(first.status()).isEqualTo(202);
        assertThat(other.status()).as(other.body()).isEqualTo(422);
        assertThat(other.problem()).isEqualTo("idempotency-mismatch");
        assertThat(org.send(org.signed(unsigned)).body()).isEqualTo(first.body());
        assertThat(LogReader.all(stores, org.tenant)).hasSize(1);
    }

    private void assertRefusedWith(Map<String, Object> changes) {
        Map<String, Object> claims = new HashMap<>(org.claims(unsigned));
        claims.putAll(changes);
        assertRefused(with(unsigned, org.token(org.header(), claims)));
    }

    /** Without an API key, and also with the tenant's own beside it, which makes nothing better. */
    private void assertRefused(String xml) {
        String same = withoutRequestId(org.send(SigningOrg.with(unsigned, "a.b.c")));
        Answer refused = org.send(xml);
        assertThat(refused.status()).as(xml + refused.body()).isEqualTo(401);
        assertThat(refused.counted(refused.problem())).as(refused.body()).isEqualTo(1);
        if (!refused.problem().equals("unauthenticated")) { // no token where one has to be
            assertThat(withoutRequestId(refused)).isEqualTo(same);
        }
        assertThat(gateway.post("/v1/messages", org.key, "application/xml", xml).status())
                .as(xml)
                .isIn(401, 422);
        assertThat(LogReader.all(stores, org.tenant)).isEmpty();
    }

    private static String withoutRequestId(Answer answer) {
        return answer.body().replaceAll("\"request_id\":\"[^\"]*\"", "");
    }
}
