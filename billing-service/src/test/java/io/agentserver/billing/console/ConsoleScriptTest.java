package io.agentserver.billing.console;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

import static org.assertj.core.api.Assertions.assertThat;

/** What console.js does by itself, in a real browser, with a stream and a clock that the test moves. */
class ConsoleScriptTest {
    private static Chromium chromium;

    @BeforeAll
    static void start() {
        chromium = Chromium.start();
    }

    @AfterAll
    static void stop() {
        if (chromium != null) {
            chromium.close();
        }
    }

    @Test
    void a_conversation_in_which_nothing_happens_is_asked_for_ever_more_seldom_until_something_does() {
        Page page = timeline();
        for (int i = 0; i < 6; i++) {
            page.evaluate("stream.tell('done')");
        }
        assertThat(pauses(page)).containsExactly(2000, 4000, 8000, 16000, 30000, 30000);

        page.evaluate("stream.tell('slot', {lastEventId: '1', data: '<li>a message</li>'})");
        page.evaluate("stream.tell('done')");
        page.evaluate("stream.tell('error')");

        assertThat(pauses(page)).as("the last two").endsWith(2000, 4000).hasSize(8);
        assertThat(page.locator("#timeline li").allTextContents()).containsExactly("a message");
        assertThat(chromium.complaints()).isEmpty();
    }

    @Test
    void a_gateway_that_is_away_is_asked_ever_more_seldom_too() {
        Page page = timeline();
        for (int i = 0; i < 5; i++) {
            page.evaluate("stream.tell('error')");
        }

        assertThat(pauses(page)).containsExactly(2000, 4000, 8000, 16000, 30000);
        assertThat(page.locator("#live").textContent()).isEqualTo("reconnecting");
    }

    @SuppressWarnings("unchecked")
    private static List<Integer> pauses(Page page) {
        return (List<Integer>) page.evaluate("pauses");
    }

    /** Every pause is over at once, and written down. */
    private static Page timeline() {
        Page page = chromium.open(1280, 800, ColorScheme.LIGHT);
        page.setContent(
                "<span id=live></span><ol id=timeline data-events=/events data-page=about:blank data-last=0></ol>");
        page.evaluate("""
            () => {
              window.pauses = [];
              window.setTimeout = (action, pause) => { window.pauses.push(pause); action(); };
              window.fetch = async () => ({ ok: false });
              window.EventSource = class {
                constructor() { this.heard = {}; window.stream = this; }
                addEventListener(name, action) { this.heard[name] = action; }
                tell(name, event) { this.heard[name](event || {}); }
                close() {}
              };
            }\
            """);
        page.addScriptTag(new Page.AddScriptTagOptions().setContent(script()));
        return page;
    }

    private static String script() {
        try (InputStream in =
                Objects.requireNonNull(ConsoleScriptTest.class.getResourceAsStream("/console/assets/console.js"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
