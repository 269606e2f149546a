package io.agentserver.standalone;

import com.microsoft.playwright.Dialog;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

/** The console of {@code ./agentserver dev} in a real browser, with everything that it shows behind it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConsoleIT {
    private static final double SOON = 30_000;

    private final HttpClient http = HttpClient.newHttpClient();

    private Chromium chromium;
    private Platform platform;
    private Client demo;
    private String console = "";

    @BeforeAll
    void start(@TempDir Path home) {
        chromium = Chromium.start();
        platform = AllInOne.start(home, Map.of());
        demo = new Client(http, platform.variable("AGENTSERVER_URL"), platform.variable("AGENTSERVER_API_KEY"));
        console = platform.variable("AGENTSERVER_CONSOLE_URL");
    }

    @AfterAll
    void stop() {
        if (platform != null) {
            platform.close();
        }
        if (chromium != null) {
            chromium.close();
        }
        http.close();
    }

    @AfterEach
    void the_browser_had_nothing_to_complain_of() {
        assertThat(chromium.complaints()).isEmpty();
    }

    @Test
    void a_top_up_and_a_greeting_move_credit_and_cost() throws IOException {
        Page page = signedIn("owner", 1280, ColorScheme.LIGHT);
        long before = credit(page);
        page.navigate(console + "/demo/credit");
        button(page, "Pay with the test card").click();
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Your credit has grown");
        page.navigate(console + "/demo/overview");
        assertThat(credit(page)).isEqualTo(before + 25_000_000);

        String calls = figure(page, "Model calls").innerText();
        assertThat(demo.sendXml(greeting(), Map.of("Prefer", "wait=30")).statusCode())
                .isEqualTo(200);
        // the page asks by itself
        assertThat(figure(page, "Model calls"))
                .not()
                .hasText(calls, new LocatorAssertions.HasTextOptions().setTimeout(SOON));
        assertThat(page.locator("#kept")).containsText("0 failed");
        Chromium.screenshot(page, "console-overview-light-1280");
    }

    @Test
    void a_key_made_here_opens_the_gateway_until_it_is_revoked() throws IOException {
        Page page = signedIn("developer", 1280, ColorScheme.LIGHT);
        page.navigate(console + "/demo/keys");
        String name = "from the console " + System.nanoTime();
        page.getByLabel("Name").fill(name);
        page.getByLabel("Expires").selectOption("30");
        assertThat(page.getByLabel("billing:write")).hasCount(0); // a developer hands out no money
        button(page, "Create key").click();
        String secret = page.locator("#secret").inputValue();
        Chromium.screenshot(page, "console-key-light-1280");
        Locator row = page.getByRole(AriaRole.ROW).filter(new Locator.FilterOptions().setHasText(name));
        assertThat(row).containsText("never"); // used; its end is in 30 days
        Client client = new Client(http, demo.url(), secret);
        assertThat(client.sendXml(greeting(), Map.of("Prefer", "wait=30")).statusCode())
                .isEqualTo(200);
        assertThat(client.get("/v1/keys").statusCode()).isEqualTo(403);

        page.navigate(console + "/demo/keys");
        assertThat(page.locator("body")).not().containsText(secret);
        assertThat(row).not().containsText("never");
        page.onDialog(Dialog::accept);
        button(page, "Rotate " + name).click();
        String successor = page.locator("#secret").inputValue();
        assertThat(successor).isNotEqualTo(secret);
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Revoke " + name))
                .first()
                .click();
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Revoked");
        button(page, "Revoke " + name).click();
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Revoked");
        Awaitility.await().atMost(Duration.ofSeconds(5)).untilAsserted(() -> {
            assertThat(client.get("/v1/threads").statusCode()).isEqualTo(401);
            assertThat(new Client(http, demo.url(), successor)
                            .get("/v1/threads")
                            .statusCode())
                    .isEqualTo(401);
        });
    }

    @Test
    void an_error_in_the_organism_shows_at_its_line_and_a_good_one_is_saved() {
        Page page = signedIn("developer", 1280, ColorScheme.LIGHT);
        page.navigate(console + "/demo/organism");
        Locator text = page.getByLabel("organism.yaml");
        String good = text.inputValue();
        String[] lines = good.split("\n", -1);
        int line = 0;
        while (!lines[line].contains("handler: llm")) {
            line++;
        }
        text.fill(good.replace("handler: llm", "handler: nonsense"));
        Locator finding = page.locator(".finding[data-line='" + (line + 1) + "']");
        assertThat(finding).hasCount(1);
        assertThat(page.locator(".gutter .wrong:text-is('" + (line + 1) + "')")).hasCount(1);
        finding.locator("button.line").click();
        assertThat(page.evaluate("document.activeElement.value.slice(document.activeElement.selectionStart,"
                        + " document.activeElement.selectionEnd).trim()"))
                .isEqualTo("handler: nonsense");
        Chromium.screenshot(page, "console-organism-light-1280");
        button(page, "Save").click(); // refused by the gateway, with the text kept
        assertThat(finding).hasCount(1);
        assertThat(page.getByLabel("organism.yaml")).hasValue(Pattern.compile("handler: nonsense"));
        chromium.complaints(); // the 422 is an error to the browser

        String version = page.locator("input[name=version]").inputValue();
        page.getByLabel("organism.yaml").fill(good + "# changed\n");
        assertThat(page.locator("#findings")).containsText("No errors");
        button(page, "Save").click();
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Saved");
        assertThat(Long.parseLong(page.locator("input[name=version]").inputValue()))
                .isGreaterThan(Long.parseLong(version));

        // whoever edits an older version is told, and loses nothing
        page.evaluate("v => { document.querySelector('input[name=version]').value = v; }", version);
        page.getByLabel("organism.yaml").fill(good + "# mine\n");
        button(page, "Save").click();
        assertThat(page.locator("#findings")).containsText("Somebody has saved another version");
        assertThat(page.getByLabel("organism.yaml")).hasValue(Pattern.compile("# mine"));
        chromium.complaints();
    }

    @Test
    void a_conversation_goes_on_before_one_s_eyes() throws IOException {
        HttpResponse<String> first = demo.sendXml(greeting(), Map.of());
        String thread = Client.json(first).path("thread_id").stringValue();
        demo.events(thread, Map.of());
        Page page = signedIn("viewer", 1280, ColorScheme.LIGHT);
        page.navigate(console + "/demo/conversations");
        page.getByText(thread).click();
        assertThat(page.locator(".slot")).hasCount(3);
        page.evaluate("window.stayed = true");
        HttpResponse<String> second = demo.post(
                "/v1/messages",
                "application/json",
                "{\"to\":\"greeter\",\"thread_id\":\"" + thread + "\",\"payload\":{\"Greeting\":{\"Name\":\"Again\"}}}",
                Map.of());
        assertThat(second.statusCode()).as(second.body()).isEqualTo(202);
        assertThat(page.locator(".slot")).hasCount(6, new LocatorAssertions.HasCountOptions().setTimeout(SOON));
        assertThat(page.locator("#slot-4")).containsText("Again");
        assertThat(page.locator("#live"))
                .hasText("up to date", new LocatorAssertions.HasTextOptions().setTimeout(SOON));
        assertThat(page.evaluate("window.stayed")).isEqualTo(true);
        assertThat(button(page, "Cancel what runs")).hasCount(0); // a viewer changes nothing
        Chromium.screenshot(page, "console-conversation-light-1280");
    }

    @Test
    void conversations_sort_from_either_end_of_all_that_are_kept() throws IOException {
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < 27; i++) { // more than a page
            sent.add(Client.json(demo.sendXml(greeting(), Map.of()))
                    .path("thread_id")
                    .stringValue());
            demo.events(sent.getLast(), Map.of());
        }
        // the index follows a moment after
        Awaitility.await()
                .until(() -> Client.json(demo.get("/v1/threads?limit=1"))
                        .at("/data/0/id")
                        .stringValue()
                        .equals(sent.getLast()));
        Page page = signedIn("viewer", 1280, ColorScheme.LIGHT);
        page.navigate(console + "/demo/conversations");
        page.evaluate("window.stayed = true");
        assertThat(page.locator("th[aria-sort=descending]")).containsText("Last activity");
        List<String> newestFirst = walk(page, "Older");
        assertThat(newestFirst).doesNotHaveDuplicates().containsSubsequence(sent.reversed());

        page.locator("#sort-activity").focus();
        page.keyboard().press("Enter");
        assertThat(page.locator("th[aria-sort=ascending]")).containsText("Last activity");
        assertThat(walk(page, "Newer")).isEqualTo(newestFirst.reversed());
        assertThat(page.evaluate("window.stayed")).isEqualTo(true);
        page.locator("#first").click();
        assertThat(page.locator("tbody th a").first()).hasText(newestFirst.getLast());
        assertThat(page.url()).contains("dir=asc");
    }

    @Test
    void what_runs_can_be_cancelled() {
        Client org = demo;
        HttpResponse<String> before = org.get("/v1/organism");
        assertThat(org.putOrganism("""
                        organism: {name: waiting}
                        listeners:
                          - name: clock
                            description: Waits.
                            handler: builtin:timer
                            payload: {root: Wait, fields: {After: string}}
                        """).statusCode()).isEqualTo(200);
        try {
            JsonNode sent = Client.json(org.post(
                    "/v1/messages",
                    "application/json",
                    "{\"to\":\"clock\",\"payload\":{\"Wait\":{\"After\":\"1h\"}}}",
                    Map.of()));
            Page page = signedIn("owner", 1280, ColorScheme.DARK);
            page.navigate(
                    console + "/demo/conversations/" + sent.path("thread_id").stringValue());
            assertThat(page.locator("#state")).hasText("open");
            Chromium.screenshot(page, "console-open-dark-1280");
            button(page, "Cancel what runs").click();
            assertThat(page.getByRole(AriaRole.STATUS).first()).containsText("Cancelled");
            assertThat(page.locator("#state")).hasText("cancelled");
        } finally {
            org.putOrganism(before.body());
        }
    }

    @Test
    void every_page_fits_a_phone_in_light_and_dark() throws IOException {
        demo.sendXml(greeting(), Map.of("Prefer", "wait=30"));
        String thread = Client.json(demo.get("/v1/threads"))
                .path("data")
                .path(0)
                .path("id")
                .stringValue();
        for (ColorScheme scheme : new ColorScheme[] {ColorScheme.LIGHT, ColorScheme.DARK}) {
            for (int width : new int[] {375, 1280}) {
                Page page = signedIn("owner", width, scheme);
                for (String path : new String[] {
                    "overview",
                    "conversations",
                    "conversations/" + thread,
                    "organism",
                    "keys",
                    "usage",
                    "credit",
                    "people"
                }) {
                    page.navigate(console + "/demo/" + path);
                    assertThat((Integer) page.evaluate("document.documentElement.scrollWidth"))
                            .as(path)
                            .isLessThanOrEqualTo(width);
                    Chromium.screenshot(
                            page,
                            "all-" + path.replaceFirst("conversations/.*", "conversation") + "-"
                                    + scheme.name().toLowerCase(java.util.Locale.ROOT) + "-" + width);
                }
                page.context().close();
            }
        }
    }

    @Test
    void the_other_services_beside_it_are_as_they_were() {
        for (String url : new String[] {demo.url(), platform.variable("AGENTSERVER_LLM_URL")}) {
            for (String path :
                    new String[] {"/console", "/webjars/htmx.org/2.0.10/dist/htmx.min.js", "/console/console.css"}) {
                HttpResponse<String> answer = new Client(http, url, "").get(path);
                assertThat(answer.statusCode()).as(url + path).isEqualTo(404);
                assertThat(answer.headers().firstValue("Content-Security-Policy"))
                        .isEmpty();
                assertThat(answer.headers().firstValue("Set-Cookie")).isEmpty();
            }
        }
        assertThat(new Client(http, demo.url(), "").get("/healthz").statusCode())
                .isEqualTo(200);
    }

    /** The conversations on this page and all that come after it. */
    private static List<String> walk(Page page, String next) {
        List<String> ids = new ArrayList<>();
        while (true) {
            List<String> here = page.locator("tbody th a").allTextContents();
            ids.addAll(here);
            if (page.locator("#next").count() == 0) {
                return ids;
            }
            assertThat(page.locator("#next")).hasText(next);
            page.locator("#next").click();
            assertThat(page.locator("tbody th a").first()).not().hasText(here.getFirst());
        }
    }

    private Page signedIn(String role, int width, ColorScheme scheme) {
        Page page = chromium.open(width, 800, scheme);
        page.navigate(console);
        page.locator("input[value=" + role + "]").check();
        button(page, "Sign in").click();
        page.waitForURL("**/demo/overview");
        return page;
    }

    private static Locator button(Page page, String name) {
        return page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    private static Locator figure(Page page, String title) {
        return page.locator(".figure:has(dt:text-is('" + title + "')) dd").first();
    }

    private static long credit(Page page) {
        return Long.parseLong(figure(page, "Credit left").locator("data").getAttribute("value"));
    }

    private static String greeting() throws IOException {
        return Files.readString(Path.of("../../examples/hello-world/greeting.xml"));
    }
}
