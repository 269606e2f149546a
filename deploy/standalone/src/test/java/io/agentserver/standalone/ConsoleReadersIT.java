package io.agentserver.standalone;

import com.microsoft.playwright.Dialog;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

/** The console of {@code ./agentserver dev} for whoever has a keyboard alone, runs no scripts, or has nothing in it yet. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConsoleReadersIT {
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
    void a_key_is_made_rotated_and_revoked_by_keyboard() {
        Page page = signedIn("developer", true);
        page.onDialog(Dialog::accept);
        page.navigate(console + "/demo/keys");
        String name = "by keyboard " + System.nanoTime();
        tabTo(page, "main input[name=name]");
        page.keyboard().type(name);
        tabTo(page, "section[aria-labelledby=new-key] button[type=submit]");
        page.keyboard().press("Enter");
        String secret = page.locator("#secret").inputValue();
        assertThat(new Client(http, demo.url(), secret).get("/v1/threads").statusCode())
                .isEqualTo(200);

        tabTo(page, "button[aria-label='Rotate " + name + "']");
        page.keyboard().press("Enter");
        assertThat(page.locator("#secret")).not().hasValue(secret);
        for (int left = 1; left >= 0; left--) {
            tabTo(page, "button[aria-label='Revoke " + name + "']");
            page.keyboard().press("Enter");
            assertThat(page.locator("button[aria-label='Revoke " + name + "']")).hasCount(left);
        }
    }

    @Test
    void an_organism_that_was_not_edited_is_saved_as_no_new_version_and_an_edited_one_as_one() {
        String document = demo.get("/v1/organism").body();
        String versions = demo.get("/v1/organism/versions").body();
        Page page = signedIn("developer", true);
        page.navigate(console + "/demo/organism");
        tabTo(page, "#yaml");
        tabTo(page, "main .actions button:not([formaction])");
        page.keyboard().press("Enter");
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Nothing was changed");
        assertThat(demo.get("/v1/organism/versions").body()).isEqualTo(versions);
        assertThat(demo.get("/v1/organism").body()).isEqualTo(document);

        tabTo(page, "#yaml");
        page.keyboard().press("Control+End");
        page.keyboard().type("# by keyboard\n");
        assertThat(page.locator("#findings")).containsText("No errors");
        tabTo(page, "main .actions button:not([formaction])");
        page.keyboard().press("Enter");
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Saved");
        assertThat(demo.get("/v1/organism").body()).isEqualTo(document + "# by keyboard\n");
    }

    @Test
    void what_runs_is_cancelled_by_keyboard() {
        HttpResponse<String> before = demo.get("/v1/organism");
        assertThat(demo.putOrganism("""
                        organism: {name: waiting}
                        listeners:
                          - name: clock
                            description: Waits.
                            handler: builtin:timer
                            payload: {root: Wait, fields: {After: string}}
                        """).statusCode()).isEqualTo(200);
        try {
            String thread = Client.json(demo.post(
                            "/v1/messages",
                            "application/json",
                            "{\"to\":\"clock\",\"payload\":{\"Wait\":{\"After\":\"1h\"}}}",
                            Map.of()))
                    .path("thread_id")
                    .stringValue();
            Page page = signedIn("owner", true);
            page.navigate(console + "/demo/conversations/" + thread);
            assertThat(page.locator("#state")).hasText("open");
            tabTo(page, "#cancel button");
            page.keyboard().press("Enter");
            assertThat(page.getByRole(AriaRole.STATUS).first()).containsText("Cancelled");
            assertThat(page.locator("#state")).hasText("cancelled");
        } finally {
            demo.putOrganism(before.body());
        }
    }

    @Test
    void a_long_conversation_is_read_to_its_end_with_scripts_and_without() throws IOException {
        String thread = Client.json(demo.sendXml(greeting(), Map.of()))
                .path("thread_id")
                .stringValue();
        demo.events(thread, Map.of());
        for (int i = 1; i < 35; i++) { // three messages each
            greetIn(thread);
        }
        Page plain = signedIn("viewer", false);
        plain.navigate(console + "/demo/conversations/" + thread);
        assertThat(plain.locator(".slot")).hasCount(100);
        assertThat(plain.locator(".pager")).containsText("Messages 1 to 100 of 105");
        plain.locator("#next").click();
        assertThat(plain.locator(".slot")).hasCount(5);
        assertThat(plain.locator("#slot-105")).isVisible();
        assertThat(plain.locator("#next")).hasCount(0);
        plain.locator("#previous").click();
        assertThat(plain.locator("#slot-1")).isVisible();

        Page page = signedIn("viewer", true);
        page.navigate(console + "/demo/conversations/" + thread);
        assertThat(page.locator(".slot")).hasCount(100);
        page.locator("#newest").click();
        assertThat(page.locator(".slot").first()).hasAttribute("id", "slot-6");
        assertThat(page.locator("#slot-105")).isVisible();
        greetIn(thread);
        assertThat(page.locator("#slot-108")).isVisible(new LocatorAssertions.IsVisibleOptions().setTimeout(SOON));
    }

    @Test
    void an_organism_is_checked_without_scripts() {
        String versions = demo.get("/v1/organism/versions").body();
        Page page = signedIn("developer", false);
        page.navigate(console + "/demo/organism");
        Locator text = page.getByLabel("organism.yaml");
        String good = text.inputValue();
        text.fill(good.replace("handler: llm", "handler: nonsense"));
        button(page, "Check").click();
        assertThat(page.locator(".finding").first()).isVisible();
        assertThat(page.getByLabel("organism.yaml")).hasValue(Pattern.compile("handler: nonsense"));
        page.getByLabel("organism.yaml").fill(good);
        button(page, "Check").click();
        assertThat(page.locator("#findings")).containsText("No errors. It can be saved.");
        assertThat(demo.get("/v1/organism/versions").body()).isEqualTo(versions);
        button(page, "Save").click();
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Nothing was changed");
    }

    @Test
    void lists_without_a_line_say_what_comes_and_what_to_do() {
        Client org = Client.ofNewTenant(http, platform, "nothing-yet");
        Page page = signedIn("owner", true);
        page.navigate(console + "/orgs");
        page.getByLabel("API key").fill(org.key());
        button(page, "Claim").click();
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("You are the owner of this org");
        page.navigate(console + "/nothing-yet/conversations");
        assertThat(page.locator(".empty")).containsText("No conversation is kept");
        assertThat(page.locator(".empty")).containsText("Send a message to one of your listeners");
        assertThat(page.locator(".empty a")).hasAttribute("href", "/console/nothing-yet/organism");
        page.locator(".empty a").click();
        assertThat(page.locator(".empty")).containsText("No organism yet");
        assertThat(page.locator(".empty")).containsText("paste it below, check it and save it");

        page.navigate(console + "/nothing-yet/keys");
        page.onDialog(Dialog::accept);
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Revoke"))
                .first()
                .click();
        assertThat(page.locator(".empty")).containsText("No API key");
        assertThat(page.locator(".empty")).containsText("Make one below");
    }

    private void greetIn(String thread) {
        HttpResponse<String> answer = demo.post(
                "/v1/messages",
                "application/json",
                "{\"to\":\"greeter\",\"thread_id\":\"" + thread + "\",\"payload\":{\"Greeting\":{\"Name\":\"Again\"}}}",
                Map.of("Prefer", "wait=30"));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    }

    private Page signedIn(String role, boolean scripts) {
        Page page = chromium.open(1280, 800, ColorScheme.LIGHT, scripts);
        page.navigate(console);
        page.locator("input[value=" + role + "]").check();
        button(page, "Sign in").click();
        page.waitForURL("**/demo/overview");
        return page;
    }

    private static void tabTo(Page page, String selector) {
        for (int i = 0; i < 120; i++) {
            page.keyboard().press("Tab");
            if (Boolean.TRUE.equals(page.evaluate("s => document.activeElement.matches(s)", selector))) {
                return;
            }
        }
        throw new AssertionError(selector + " cannot be reached by the Tab key");
    }

    private static Locator button(Page page, String name) {
        return page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    private static String greeting() throws IOException {
        return Files.readString(Path.of("../../examples/hello-world/greeting.xml"));
    }
}
