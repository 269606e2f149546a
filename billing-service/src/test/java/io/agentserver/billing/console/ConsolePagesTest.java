package io.agentserver.billing.console;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import io.agentserver.billing.Calls;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

/** The pages that need nothing but billing, in a real browser. */
class ConsolePagesTest {
    private static final TenantId DEMO = new TenantId("demo");

    @TempDir
    static Path directory;

    private static Chromium chromium;
    private static RunningConsole console;

    @BeforeAll
    static void start() {
        chromium = Chromium.start();
        console = RunningConsole.start(directory, Map.of());
        console.putTenant("demo");
        List<PostingGroup> calls = new ArrayList<>();
        String[] models = {"openai/gpt-x", "anthropic/sonnet-y", "groq/fast-z"};
        for (int day = 0; day < 20; day++) {
            for (int i = 0; i < 3 + day % 5; i++) {
                calls.add(PostingGroup.of(Calls.call(
                        DEMO,
                        Ids.v7(),
                        Instant.now().minus(Duration.ofDays(day)),
                        models[i % models.length],
                        i % 2 == 0 ? "greeter" : null)));
            }
        }
        console.bean(Ledger.class).post(calls);
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
    void a_top_up_by_test_card_moves_the_credit_and_stands_in_the_statement() {
        Page page = signedIn(Role.BILLING, 1280, ColorScheme.LIGHT);
        page.navigate(console.url() + "/demo/credit");
        String before = page.locator("#balance data").getAttribute("value");
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("$100"))
                .click();
        page.getByText("Pay with the test card").click();
        assertThat(page.getByRole(AriaRole.STATUS)).containsText("Your credit has grown");
        assertThat(Long.parseLong(page.locator("#balance data").getAttribute("value")))
                .isEqualTo(Long.parseLong(before) + 100_000_000);
        assertThat(page.locator("#table")).containsText("Top-up with the test card");
        assertThat(page.locator("#table .num data").first()).hasText("+$100.00");
        Chromium.screenshot(page, "credit-light-1280");
    }

    @Test
    void a_call_in_the_statement_shows_the_meter_event_that_tells_stripe_of_it() {
        MeterOutbox outbox = console.bean(MeterOutbox.class);
        UUID early = Ids.v7();
        UUID late = Ids.v7();
        UUID event = UUID.randomUUID();
        console.bean(Ledger.class).post(List.of(call(early)));
        outbox.seal(DEMO, event, Instant.now());
        console.bean(Ledger.class).post(List.of(call(late)));
        Page page = signedIn(Role.BILLING, 1280, ColorScheme.LIGHT);

        page.navigate(console.url() + "/demo/credit?show=all");
        assertThat(row(page, early)).containsText(event + " not confirmed");
        assertThat(row(page, late)).containsText("not told yet");

        outbox.pending(DEMO).forEach(outbox::told);
        page.navigate(console.url() + "/demo/credit?show=all");
        assertThat(row(page, early)).containsText(event.toString());
        assertThat(page.locator("#table")).not().containsText("not confirmed");
        Chromium.screenshot(page, "credit-calls-1280");

        page.navigate(console.url() + "/demo/credit");
        assertThat(page.locator("#table")).not().containsText("Meter event");
    }

    private static PostingGroup call(UUID receipt) {
        return PostingGroup.of(Calls.call(DEMO, receipt, Instant.now(), "openai/gpt-x", "greeter"));
    }

    private static Locator row(Page page, UUID receipt) {
        return page.locator("#table tbody tr", new Page.LocatorOptions().setHasText(receipt.toString()));
    }

    @Test
    void the_usage_table_sorts_and_pages_without_leaving_the_page() {
        Page page = signedIn(Role.VIEWER, 1280, ColorScheme.LIGHT);
        page.navigate(console.url() + "/demo/usage");
        page.evaluate("window.stayed = true");
        assertThat(page.locator("tbody tr")).hasCount(25);
        page.locator("#next").click();
        assertThat(page.locator(".pager")).containsText("Page 2");
        page.locator("#sort-calls").click();
        assertThat(page.locator("th[aria-sort=descending]")).containsText("Calls");
        List<String> calls = page.locator("tbody td:nth-child(4) data").allTextContents();
        assertThat(calls).isSortedAccordingTo((a, b) -> Integer.compare(Integer.parseInt(b), Integer.parseInt(a)));
        page.locator("#by-model").click();
        assertThat(page.locator("tbody tr")).hasCount(3);
        assertThat(page.url()).contains("by=model");
        assertThat(page.evaluate("window.stayed")).isEqualTo(true);
        page.goBack();
        assertThat(page.locator("tbody tr")).hasCount(25);
        Chromium.screenshot(page, "usage-light-1280");
    }

    @Test
    void the_statement_sorts_from_either_end_of_all_that_there_is() {
        Page page = signedIn(Role.BILLING, 1280, ColorScheme.LIGHT);
        page.navigate(console.url() + "/demo/credit?show=all");
        page.evaluate("window.stayed = true");
        assertThat(page.locator("th[aria-sort=descending]")).containsText("When");
        List<Instant> newestFirst = walk(page, "Older");
        page.locator("#sort-when").focus();
        page.keyboard().press("Enter");
        assertThat(page.locator("th[aria-sort=ascending]")).containsText("When");
        assertThat((String) page.evaluate("document.activeElement.id")).isEqualTo("sort-when");
        assertThat(page.locator("#first")).hasCount(0);
        List<Instant> oldestFirst = walk(page, "Newer");
        assertThat(newestFirst).hasSizeGreaterThan(75).isSortedAccordingTo(java.util.Comparator.reverseOrder());
        assertThat(oldestFirst).isSorted().containsExactlyInAnyOrderElementsOf(newestFirst);
        assertThat(page.evaluate("window.stayed")).isEqualTo(true);
        page.locator("#first").click();
        assertThat(page.locator("tbody time").first())
                .hasAttribute("datetime", oldestFirst.getFirst().toString());
        assertThat(page.url()).contains("show=all").contains("dir=asc");
    }

    @Test
    void the_list_of_people_sorts_by_a_click_on_a_column() {
        for (Role role : Role.values()) {
            signedIn(role, 1280, ColorScheme.LIGHT).context().close(); // who has signed in is in the list
        }
        Page page = signedIn(Role.VIEWER, 1280, ColorScheme.LIGHT);
        page.navigate(console.url() + "/demo/people");
        assertThat(page.locator("th[aria-sort=ascending]")).containsText("E-mail");
        assertThat(page.locator("tbody th > span:first-child").allTextContents())
                .isSorted();
        page.locator("#sort-role").click();
        assertThat(page.locator("th[aria-sort=descending]")).containsText("Role");
        assertThat(page.locator("tbody td:nth-child(2)").allTextContents().stream()
                        .map(String::strip)
                        .map(label -> Role.of(label.toLowerCase(java.util.Locale.ROOT))
                                .orElseThrow())
                        .toList())
                .isSortedAccordingTo(java.util.Comparator.reverseOrder());
    }

    @Test
    void the_list_of_people_pages_in_the_order_that_was_chosen() {
        DynamoMembers members = console.bean(DynamoMembers.class);
        for (int i = 10; i < 40; i++) {
            members.add(DEMO, "zz" + i + "@x.test", Role.VIEWER, "owner@x.test");
        }
        Page page = signedIn(Role.VIEWER, 1280, ColorScheme.LIGHT);
        page.navigate(console.url() + "/demo/people?sort=email&dir=desc");
        assertThat(page.locator("tbody tr")).hasCount(25);
        assertThat(page.locator("tbody th").first()).containsText("zz39@x.test");
        page.locator("#next").click();
        assertThat(page.locator(".pager")).containsText("Page 2");
        assertThat(page.locator("tbody th").first()).containsText("zz14@x.test");
        assertThat(page.locator("th[aria-sort=descending]")).containsText("E-mail");
    }

    @Test
    void the_charts_draw_what_their_tables_say_in_light_and_dark() {
        for (ColorScheme scheme : new ColorScheme[] {ColorScheme.LIGHT, ColorScheme.DARK}) {
            for (int width : new int[] {1280, 375}) {
                Page page = signedIn(Role.OWNER, width, scheme);
                assertThat(page.locator("figure.chart")).hasCount(4);
                assertThat(page.locator("figure.chart tbody").first().locator("tr"))
                        .hasCount(30);
                for (int i = 0; i < 4; i++) {
                    assertThat(page.evaluate(
                                    "i => { const c = document.querySelectorAll('canvas')[i];"
                                            + " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v); }",
                                    i))
                            .as("something is drawn on canvas %d", i)
                            .isEqualTo(true);
                }
                Chromium.screenshot(page, "overview-" + scheme.name().toLowerCase(java.util.Locale.ROOT) + "-" + width);
                page.context().close();
            }
        }
    }

    @Test
    void no_page_scrolls_sideways_on_a_phone() {
        Page page = signedIn(Role.OWNER, 375, ColorScheme.DARK);
        for (String path : new String[] {"/demo/overview", "/demo/usage", "/demo/credit", "/demo/people", "/orgs"}) {
            page.navigate(console.url() + path);
            assertThat((Integer) page.evaluate("document.documentElement.scrollWidth"))
                    .as(path)
                    .isLessThanOrEqualTo(375);
            Chromium.screenshot(page, "phone-dark" + path.replace('/', '-'));
        }
        page.navigate(console.url() + "/demo/overview");
        assertThat(page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Usage")))
                .isHidden();
        page.getByText("Menu").click();
        page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Usage"))
                .click();
        assertThat(page).hasURL(console.url() + "/demo/usage");
    }

    @Test
    void whoever_has_a_keyboard_alone_gets_everywhere_and_sees_where_they_are() {
        Page page = chromium.open(1280, 800, ColorScheme.LIGHT);
        page.navigate(console.url() + "/sign-in");
        tabTo(page, "input[name=role]:checked");
        page.keyboard().press("ArrowDown"); // developer
        page.keyboard().press("ArrowUp");
        page.keyboard().press("Tab");
        page.keyboard().press("Enter");
        page.waitForURL("**/demo/overview");

        page.keyboard().press("Tab");
        assertThat(page.locator(":focus")).hasText("Skip to content");
        tabTo(page, "nav a[href$='/people']");
        assertThat((String) page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
                .isEqualTo("solid");
        page.keyboard().press("Enter");
        page.waitForURL("**/demo/people");

        tabTo(page, "#main form[action$='/people'] input[name=email]");
        String email = "key" + System.nanoTime() + "@x.test";
        page.keyboard().type(email);
        page.keyboard().press("Tab");
        page.keyboard().press("Tab");
        page.keyboard().press("Enter");
        assertThat(page.locator("table")).containsText(email);
        Chromium.screenshot(page, "people-light-1280");

        // nothing that can be clicked is out of the keyboard's reach
        assertThat((Integer)
                        page.evaluate("[...document.querySelectorAll('a, button, input, select, textarea, summary')]"
                                + ".filter(e => e.tabIndex < 0).length"))
                .isZero();
    }

    @Test
    void fields_have_labels_pages_landmarks_and_one_heading() {
        Page page = signedIn(Role.OWNER, 1280, ColorScheme.LIGHT);
        for (String path : new String[] {"/demo/overview", "/demo/usage", "/demo/credit", "/demo/people", "/orgs"}) {
            page.navigate(console.url() + path);
            assertThat((Integer)
                            page.evaluate("[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
                                    + ".filter(e => !e.labels.length && !e.getAttribute('aria-label')).length"))
                    .as(path)
                    .isZero();
            assertThat(page.locator("h1")).hasCount(1);
            assertThat(page.locator("main")).hasCount(1);
            assertThat((String) page.evaluate("document.documentElement.lang")).isEqualTo("en");
        }
    }

    @Test
    void the_sign_in_looks_like_a_product_and_a_wrong_address_says_what_to_do() {
        Page page = chromium.open(1280, 800, ColorScheme.LIGHT);
        page.navigate(console.url() + "/sign-in");
        Chromium.screenshot(page, "sign-in-light-1280");
        Page inside = signedIn(Role.VIEWER, 1280, ColorScheme.LIGHT);
        inside.navigate(console.url() + "/demo/credit");
        assertThat(inside.locator("h1")).hasText("Your role does not allow this");
        Chromium.screenshot(inside, "refused-light-1280");
        chromium.complaints(); // a page with status 403 is an error to the browser
    }

    /** The times on this page and all that come after it. */
    private static List<Instant> walk(Page page, String next) {
        List<Instant> times = new ArrayList<>();
        while (true) {
            String here = (String)
                    page.locator("tbody time").evaluateAll("all => all.map(e => e.getAttribute('datetime')).join(' ')");
            Stream.of(here.split(" ", -1)).map(Instant::parse).forEach(times::add);
            if (page.locator("#next").count() == 0) {
                return times;
            }
            assertThat(page.locator("#next")).hasText(next);
            page.locator("#next").click();
            assertThat(page.locator("tbody time").first()).not().hasAttribute("datetime", here.split(" ", -1)[0]);
        }
    }

    private static Page signedIn(Role role, int width, ColorScheme scheme) {
        Page page = chromium.open(width, 800, scheme);
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
