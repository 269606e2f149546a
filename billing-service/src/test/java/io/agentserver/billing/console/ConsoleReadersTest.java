package io.agentserver.billing.console;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import io.agentserver.billing.ledger.Balance;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LinePosition;
import io.agentserver.envelope.TenantId;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.UUID;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

/** Whoever has a keyboard alone, another language, or nothing yet; pages that need nothing but billing, in a real browser. */
class ConsoleReadersTest {
    private static final TenantId DEMO = new TenantId("demo");

    /** In which nobody has done anything. */
    private static final TenantId NEW = new TenantId("new-org");

    @TempDir
    static Path directory;

    private static Chromium chromium;
    private static RunningConsole console;

    @BeforeAll
    static void start() {
        chromium = Chromium.start();
        console = RunningConsole.start(directory, Map.of());
        console.putTenant(DEMO.value());
        console.putTenant(NEW.value());
        Awaitility.await("the starting credit")
                .atMost(Duration.ofSeconds(30))
                .until(() -> !console.bean(Ledger.class).balance(DEMO).equals(Balance.NONE));
    }

    @AfterAll
    static void stop() {
        if (console != null) {
            console.close();
        }
        if (chromium != null) {
            chromium.close();
        }
    }

    @AfterEach
    void the_browser_had_nothing_to_complain_of() {
        if (chromium != null) {
            assertThat(chromium.complaints()).isEmpty();
        }
    }

    @Test
    void figures_that_refresh_leave_the_keyboard_where_it_is() {
        Page page = signedIn(Role.OWNER, "en-GB");
        assertThat(page.locator("#kept")).containsText("The gateway does not answer"); // it is loaded
        tabTo(page, "#top-up");
        refreshed(page, "figures");
        assertThat((String) page.evaluate("document.activeElement.id")).isEqualTo("top-up");

        assertThat(page.locator("#see-conversations")).isVisible();
        page.keyboard().press("Enter");
        page.waitForURL("**/demo/credit");
    }

    @Test
    void credit_is_topped_up_by_keyboard() {
        Page page = signedIn(Role.BILLING, "en-GB");
        page.navigate(console.url() + "/demo/credit");
        String before = page.locator("#balance data").getAttribute("value");
        tabTo(page, "#dollars");
        page.keyboard().press("Control+A");
        page.keyboard().type("30.50");
        page.keyboard().press("Tab");
        assertThat(page.locator(":focus")).hasText("Pay with the test card");
        page.keyboard().press("Enter");
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Your credit has grown");
        assertThat(Long.parseLong(page.locator("#balance data").getAttribute("value")))
                .isEqualTo(Long.parseLong(before) + 30_500_000);
    }

    @Test
    void money_and_times_are_written_as_a_german_reads_them() {
        Page page = signedIn(Role.BILLING, "de-DE");
        page.navigate(console.url() + "/demo/credit");
        page.locator("#dollars").fill("1234.50");
        page.getByText("Pay with the test card").click();
        assertThat(page.locator("tbody .num data").first()).hasText("+1.234,50\u00a0$");
        Instant at = Instant.parse(page.locator("tbody time").first().getAttribute("datetime"));
        assertThat(page.locator("tbody time").first())
                .hasText(DateTimeFormatter.ofPattern("dd.MM.yyyy, HH:mm")
                        .withZone(ZoneId.of("Europe/Berlin"))
                        .format(at));
        page.navigate(console.url() + "/demo/overview");
        assertThat(page.locator("#figures data.money").first().textContent()).matches("[0-9.]+,[0-9]{2,6}\u00a0[$]");
    }

    @Test
    void an_amount_that_is_none_is_refused_and_changes_nothing() {
        try (Visitor visitor = Visitor.as(Role.BILLING, console.url())) {
            Balance before = console.bean(Ledger.class).balance(DEMO);
            for (String dollars :
                    new String[] {"", "4.99", "0", "-25", "10000.01", "12.345", "1e3", "25,00", "NaN", "$25"}) {
                HttpResponse<String> answer = visitor.submit(
                        "/demo/credit",
                        "/demo/credit/top-up",
                        Map.of("dollars", dollars, "attempt", UUID.randomUUID().toString()));
                assertThat(answer.statusCode()).as(dollars).isEqualTo(422);
                assertThat(answer.body()).contains("Give an amount from 5 to 10,000 dollars");
            }
            assertThat(console.bean(Ledger.class).balance(DEMO)).isEqualTo(before);
        }
    }

    @Test
    void lists_without_a_line_say_what_comes_and_what_to_do() {
        console.bean(DynamoMembers.class).add(NEW, "owner@demo.test", Role.OWNER, "owner@demo.test");
        Page page = signedIn(Role.OWNER, "en-GB");
        page.navigate(console.url() + "/new-org/usage");
        assertThat(page.locator(".empty")).containsText("Nothing was used in these days");
        assertThat(page.locator(".empty")).containsText("Usage comes from model calls");

        page.navigate(console.url() + "/new-org/overview");
        assertThat(page.locator(".empty")).containsText("No model call yet");
        assertThat(page.locator(".empty")).containsText("Send a first message with one of your API keys");
        assertThat(page.locator(".empty a")).hasAttribute("href", "/console/new-org/keys");

        // before the first line of all: a new org has its starting credit within seconds
        page.navigate(console.url() + "/new-org/credit?cursor="
                + LinePosition.at(Instant.EPOCH).cursor());
        assertThat(page.locator(".empty")).containsText("Nothing has moved yet");
        assertThat(page.locator(".empty")).containsText("Top up above");
    }

    @Test
    void whoever_is_in_no_org_is_told_whom_to_ask() {
        Page page = signedIn(Role.VIEWER, "en-GB");
        assertThat(page.locator("#kept")).containsText("The gateway does not answer"); // all of the page is there
        page.navigate("about:blank"); // and asks for no part of it again
        console.bean(DynamoMembers.class).remove(DEMO, "viewer@demo.test");
        page.navigate(console.url() + "/orgs");
        assertThat(page.locator(".empty")).containsText("You are in no org yet");
        assertThat(page.locator(".empty"))
                .containsText("Ask an owner of your org to add viewer@demo.test under People");
    }

    /** Waits until the page has fetched it again. */
    private static void refreshed(Page page, String id) {
        page.evaluate("id => { window.before = document.getElementById(id); }", id);
        page.waitForFunction("() => !window.before.isConnected");
    }

    private static Page signedIn(Role role, String locale) {
        Page page = chromium.open(1280, 800, ColorScheme.LIGHT, locale);
        page.navigate(console.url() + "/sign-in");
        page.locator("input[value=" + role.wireName() + "]").check();
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Sign in"))
                .click();
        page.waitForURL("**/demo/overview");
        return page;
    }

    private static void tabTo(Page page, String selector) {
        for (int i = 0; i < 60; i++) {
            page.keyboard().press("Tab");
            if (Boolean.TRUE.equals(page.evaluate("s => document.activeElement.matches(s)", selector))) {
                return;
            }
        }
        throw new AssertionError(selector + " cannot be reached by the Tab key");
    }
}
