package io.agentserver.billing.console;

import io.agentserver.service.ConfigurationException;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.Scope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** In and out, by a demo or an issuer; claims; and what the filter chain does to answers, the console's and others'. */
class SignInTest {
    @TempDir
    static Path directory;

    private static OidcDouble issuer;
    private static RunningConsole console;
    private static RunningConsole demo;

    @BeforeAll
    static void start() {
        issuer = new OidcDouble();
        console = RunningConsole.start(
                directory,
                Map.of(
                        "AGENTSERVER_CONSOLE_DEMO", "false",
                        "AGENTSERVER_OIDC_ISSUER", issuer.url(),
                        "AGENTSERVER_OIDC_CLIENT_ID", "console",
                        "AGENTSERVER_OIDC_CLIENT_SECRET", "a secret & more"));
        demo = RunningConsole.start(directory, Map.of());
        demo.putTenant("demo");
    }

    @AfterAll
    static void stop() {
        console.close();
        demo.close();
        issuer.close();
    }

    @Test
    void an_issuer_signs_a_person_in_and_the_console_shows_them_their_orgs() {
        try (Visitor visitor = signedIn("ann@x.test", true)) {
            HttpResponse<String> start = visitor.get("");
            assertThat(start.statusCode()).isEqualTo(302);
            assertThat(start.headers().firstValue("Location")).hasValue("/console/orgs");
            assertThat(visitor.get("/orgs").body()).contains("ann@x.test", "You are in no org yet");

            HttpResponse<String> out = visitor.submit("/orgs", "/sign-out", Map.of());
            assertThat(out.headers().firstValue("Location").orElseThrow()).endsWith("/console/sign-in?signed-out");
            assertThat(visitor.get("/orgs").statusCode()).isEqualTo(302);
        }
    }

    @Test
    void who_has_no_verified_address_stays_out() {
        try (Visitor visitor = new Visitor(console.url())) {
            HttpResponse<String> refused = throughIssuer(visitor, "eve@x.test", false);
            assertThat(refused.headers().firstValue("Location").orElseThrow()).endsWith("?error=email-not-verified");
            assertThat(visitor.get("/orgs").statusCode()).isEqualTo(302);
        }
    }

    @Test
    void an_answer_that_was_not_asked_for_signs_nobody_in() {
        try (Visitor visitor = new Visitor(console.url());
                Visitor another = new Visitor(console.url())) {
            String code = issuer.redirectBack(askIssuer(another), "ann@x.test", true);
            HttpResponse<String> stolen = visitor.get(code);
            assertThat(stolen.headers().firstValue("Location").orElseThrow()).endsWith("?error=refused");
            assertThat(visitor.get("/orgs").statusCode()).isEqualTo(302);

            String forgedState = code.replaceFirst("state=[^&]+", "state=forged");
            assertThat(another.get(forgedState).headers().firstValue("Location").orElseThrow())
                    .endsWith("?error=refused");
            assertThat(another.get("/orgs").statusCode()).isEqualTo(302);
        }
    }

    private static final Set<String> ALL_SCOPES =
            Arrays.stream(Scope.values()).map(Scope::wireName).collect(Collectors.toSet());

    @Test
    void a_key_with_all_scopes_makes_its_holder_the_first_owner_and_nobody_the_second() {
        ApiKey strong = ApiKey.create(true, new SecureRandom());
        ApiKey weak = ApiKey.create(true, new SecureRandom());
        ApiKey keysOnly = ApiKey.create(true, new SecureRandom());
        ApiKey old = ApiKey.create(true, new SecureRandom());
        String org = "claimed-" + System.nanoTime();
        console.putTenant(
                org,
                TenantsOnTopic.key(strong, ALL_SCOPES, null),
                TenantsOnTopic.key(weak, Set.of("threads:read"), null),
                TenantsOnTopic.key(keysOnly, Set.of("keys:write", "messages:write"), null),
                TenantsOnTopic.key(old, ALL_SCOPES, Instant.EPOCH));
        try (Visitor ann = signedIn("ann-" + org + "@x.test", true);
                Visitor bob = signedIn("bob-" + org + "@x.test", true)) {
            for (ApiKey useless : new ApiKey[] {weak, keysOnly, old, ApiKey.create(true, new SecureRandom())}) {
                assertThat(claim(ann, useless.secret()).statusCode()).isEqualTo(422);
            }
            assertThat(claim(ann, "nonsense").statusCode()).isEqualTo(422);

            HttpResponse<String> claimed = claim(ann, strong.secret());
            assertThat(claimed.headers().firstValue("Location").orElseThrow())
                    .endsWith("/console/" + org + "/overview?notice=org-claimed");
            assertThat(ann.get("/" + org + "/overview").statusCode()).isEqualTo(200);

            HttpResponse<String> second = claim(bob, strong.secret());
            assertThat(second.statusCode()).isEqualTo(422);
            assertThat(second.body()).contains("has an owner already");
            assertThat(bob.get("/" + org + "/overview").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void a_removed_member_is_out_at_the_next_click() {
        String org = "leaving-" + System.nanoTime();
        console.putTenant(org);
        DynamoMembers members = console.bean(DynamoMembers.class);
        io.agentserver.envelope.TenantId tenant = new io.agentserver.envelope.TenantId(org);
        try (Visitor ann = signedIn("ann@x.test", true)) {
            members.add(tenant, "ann@x.test", Role.VIEWER, "boss@x.test");
            assertThat(ann.get("/" + org + "/people").statusCode()).isEqualTo(200);
            members.remove(tenant, "ann@x.test");
            assertThat(ann.get("/" + org + "/people").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void a_form_without_its_token_does_nothing() {
        try (Visitor owner = Visitor.as(Role.OWNER, demo.url())) {
            HttpResponse<String> refused = owner.post("/demo/people", Map.of("email", "eve@x.test", "role", "owner"));
            assertThat(refused.statusCode()).isEqualTo(403);
            assertThat(refused.body()).contains("Nothing was done");
            assertThat(owner.post("/demo/people", Map.of("email", "eve@x.test", "role", "owner", "_csrf", "forged"))
                            .statusCode())
                    .isEqualTo(403);
            assertThat(owner.get("/demo/people").body()).doesNotContain("eve@x.test");
        }
        try (Visitor nobody = new Visitor(demo.url())) {
            assertThat(nobody.post("/sign-in/demo", Map.of("role", "owner")).statusCode())
                    .isEqualTo(403);
        }
    }

    @Test
    void pages_say_what_a_browser_may_load_and_are_kept_by_none() {
        try (Visitor visitor = new Visitor(demo.url())) {
            HttpResponse<String> page = visitor.get("/sign-in");
            assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                    .startsWith("default-src 'none'; script-src 'self'; style-src 'self'")
                    .doesNotContain("unsafe");
            assertThat(page.headers().firstValue("Cache-Control").orElseThrow()).contains("no-store");
            assertThat(page.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
            assertThat(page.headers().allValues("Set-Cookie")).allMatch(cookie -> cookie.contains("HttpOnly"));
            assertThat(page.body()).doesNotContain("<style", "style=", "onclick", "javascript:");
        }
    }

    @Test
    void what_is_not_the_console_s_never_meets_its_filter_chain() {
        try (Visitor visitor = new Visitor(demo.url())) {
            String root = "http://127.0.0.1:" + demo.port();
            for (String path :
                    new String[] {"/internal/v1/usage", "/stripe/nothing", "/nothing", "/webjars/htmx.org"}) {
                HttpResponse<String> answer = visitor.get(root + path);
                assertThat(answer.statusCode()).as(path).isIn(401, 404);
                assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
                assertThat(answer.headers().firstValue("Content-Security-Policy"))
                        .as(path)
                        .isEmpty();
            }
            HttpResponse<String> health =
                    visitor.get("http://127.0.0.1:" + demo.management() + "/actuator/health/liveness");
            assertThat(health.statusCode()).isEqualTo(200);
            assertThat(health.headers().firstValue("Content-Security-Policy")).isEmpty();
        }
    }

    /** The demo signs in whoever asks: a proxy on this machine would hand that to the world. */
    @Test
    void the_demo_lets_nobody_in_who_comes_through_a_proxy_or_by_another_name() {
        try (Visitor visitor = new Visitor(demo.url())) {
            String token = visitor.token("/sign-in");
            for (String header : List.of("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")) {
                HttpResponse<String> answer = visitor.send(visitor.request("/sign-in/demo")
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .header(header, "127.0.0.1")
                        .POST(HttpRequest.BodyPublishers.ofString("role=owner&_csrf=" + token)));
                assertThat(answer.statusCode()).as(header).isEqualTo(404);
            }
            assertThat(visitor.get("/orgs").statusCode()).isEqualTo(302);
            assertThat(visitor.submit("/sign-in", "/sign-in/demo", Map.of("role", "owner"))
                            .statusCode())
                    .isEqualTo(302);
            assertThat(visitor.get("/demo/overview").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void the_demo_is_for_this_machine_alone_and_not_there_beside_an_issuer() {
        try (Visitor visitor = new Visitor(console.url())) {
            HttpResponse<String> page = visitor.get("/sign-in");
            assertThat(page.body()).contains("/console/sign-in/with/oidc").doesNotContain("/sign-in/demo");
        }
        assertThatThrownBy(() -> properties(true, "0.0.0.0", "")).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> properties(true, "", "")).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> properties(true, "127.0.0.1", "https://issuer.test"))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("leave one of them out");
        assertThatThrownBy(
                        () -> new ConsoleProperties("https://x.test/", "http://127.0.0.1:8080", false, "", "", "", ""))
                .hasMessageContaining("does not end in /console");
        assertThatThrownBy(() -> properties(false, "", "issuer.test")).hasMessageContaining("is no http or https URL");
    }

    private static ConsoleProperties properties(boolean demo, String bind, String issuer) {
        return new ConsoleProperties(
                "http://127.0.0.1:8084/console", "http://127.0.0.1:8080", demo, bind, issuer, "id", "secret");
    }

    private static Visitor signedIn(String email, boolean verified) {
        Visitor visitor = new Visitor(console.url());
        HttpResponse<String> in = throughIssuer(visitor, email, verified);
        assertThat(in.headers().firstValue("Location").orElse(in.body())).endsWith("/console");
        return visitor;
    }

    private static HttpResponse<String> throughIssuer(Visitor visitor, String email, boolean verified) {
        return visitor.get(issuer.redirectBack(askIssuer(visitor), email, verified));
    }

    private static String askIssuer(Visitor visitor) {
        return visitor.get("/sign-in/with/oidc")
                .headers()
                .firstValue("Location")
                .orElseThrow();
    }

    private static HttpResponse<String> claim(Visitor visitor, String key) {
        return visitor.submit("/orgs", "/orgs/claim", Map.of("key", key));
    }
}
