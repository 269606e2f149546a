package io.agentserver.router;

import io.agentserver.credit.Hold;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PriceListTest {
    @Test
    void rounds_the_sum_of_a_call_up_once() {
        Price price = new Price(400_000, 100_000, 1_600_000);
        assertThat(price.of(new Tokens(1000, 400, 50, false))).isEqualTo(360); // 240 + 40 + 80
        assertThat(price.of(new Tokens(1, 1, 0, false))).isEqualTo(1); // 0.1
        assertThat(price.of(new Tokens(3, 0, 1, false))).isEqualTo(3); // 1.2 + 1.6 = 2.8
        assertThat(price.of(Tokens.NONE)).isZero();
    }

    @Test
    void knows_the_price_of_no_model_that_it_has_no_row_for() {
        PriceList prices = PriceList.builtIn();
        Price mini = new Price(400_000, 100_000, 1_600_000);
        assertThat(prices.of("openai", "gpt-4.1-mini")).contains(mini);
        assertThat(prices.of("openai", "gpt-4.1-mini-2025-04-14"))
                .as("by its full name")
                .contains(mini);
        for (String provider : new String[] {"openai", "anthropic", "groq", "my-pool"}) {
            assertThat(prices.of(provider, "a-model-of-tomorrow")).as(provider).isEmpty();
        }
        assertThat(prices.of("simulated", "default").orElseThrow().of(new Tokens(1, 0, 1, false)))
                .isEqualTo(3);
    }

    @Test
    void knows_how_a_provider_counts_that_somebody_else_pays() {
        PriceList prices = PriceList.builtIn().unpaid(Set.of("openai"));
        Tokens tokens = new Tokens(1_000_000, 0, 1_000_000, false);
        for (String model : new String[] {"gpt-4o-mini", "gpt-5", "a-model-of-tomorrow"}) {
            assertThat(prices.of("openai", model).orElseThrow().of(tokens))
                    .as(model)
                    .isZero();
        }
        assertThat(prices.of("openai", "gpt-4o-mini").orElseThrow().image()).isEqualTo(48_169);
        assertThat(prices.of("openai", "gpt-5").orElseThrow().hiddenReasoning()).isTrue();
        assertThat(prices.modelsOf("openai")).isEqualTo(PriceList.builtIn().modelsOf("openai"));
        assertThat(prices.refuses("openai", "gpt-4o-search-preview")).isEmpty();
        assertThat(prices.refuses("groq", "groq/compound")).isPresent();
        assertThat(prices.of("groq", "openai/gpt-oss-20b"))
                .isEqualTo(PriceList.builtIn().of("groq", "openai/gpt-oss-20b"));
        assertThat(prices.of("groq", "a-model-of-tomorrow")).isEmpty();
    }

    @Test
    void never_comes_to_more_than_the_ledger_takes_for_one_call() {
        Price dear = new Price(999_999_999_999L, 999_999_999_999L, 999_999_999_999L);
        assertThat(dear.of(new Tokens(1_000_000_000, 0, 1_000_000_000, false))).isEqualTo(Hold.MOST);
        assertThat(dear.of(new Tokens(2_000_000, 0, 0, false))).isEqualTo(Hold.MOST);
        assertThat(dear.of(new Tokens(1_000_000, 0, 0, false))).isEqualTo(999_999_999_999L);
    }

    @Test
    void knows_what_an_image_comes_to_and_who_thinks_without_showing_it() {
        PriceList prices = PriceList.builtIn();
        assertThat(prices.of("openai", "gpt-4o-mini").orElseThrow().image()).isEqualTo(48_169);
        assertThat(prices.of("openai", "gpt-5").orElseThrow().hiddenReasoning()).isTrue();
        assertThat(prices.of("openai", "gpt-4.1").orElseThrow().hiddenReasoning())
                .isFalse();
    }

    /** Which of its prices a call is charged is known when its prompt is counted by the provider: after the hold. */
    @Test
    void charges_by_the_length_of_the_prompt_and_holds_the_dearer_price_in_time() {
        Price haiku = PriceList.builtIn().of("anthropic", "claude-haiku-5-5").orElseThrow();
        assertThat(haiku.of(new Tokens(100_000, 0, 1_000, false))).isEqualTo(10_000 + 500);
        assertThat(haiku.of(new Tokens(100_001, 0, 1_000, false))).isEqualTo(50_001 + 2_500);
        assertThat(haiku.of(new Tokens(200_000, 100_000, 0, false))).isEqualTo(50_000 + 5_000);

        assertThat(haiku.held(75_000)).isEqualTo(haiku);
        Price dear = haiku.held(75_001);
        assertThat(dear.of(dear.dearest(75_001, 1_000))).isEqualTo(46_876 + 2_500); // all of it written to the cache
        Price luna = PriceList.builtIn().of("openai", "gpt-6-luna").orElseThrow();
        assertThat(luna.of(new Tokens(1_000_000, 0, 0, false))).isEqualTo(200_000);
        assertThat(luna.of(new Tokens(272_000, 0, 0, false))).isEqualTo(27_200);
    }

    @Test
    void has_no_longer_prompts_price_without_its_columns() {
        assertThatThrownBy(() -> PriceList.parse(new ByteArrayInputStream(
                        "models: [{model: a/b, input: 1, cached_input: 1, output: 1, longer: {over: 5, input: 2}, date: '2026-01-01', source: x}]"
                                .getBytes(StandardCharsets.UTF_8))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a/b: cached_input");
    }

    /** What it costs is not told by its tokens, and no cap would cover it. */
    @Test
    void has_no_price_for_models_that_run_tools_by_themselves() {
        PriceList prices = PriceList.builtIn();
        for (String model : new String[] {"groq/compound", "groq/compound-mini", "compound-beta"}) {
            assertThat(prices.refuses("groq", model)).as(model).isPresent();
        }
        assertThat(prices.refuses("openai", "gpt-4o-search-preview-2025-03-11")).isPresent();
        assertThat(prices.refuses("groq", "openai/gpt-oss-20b")).isEmpty();
        assertThat(prices.refuses("openai", "gpt-4o")).isEmpty();
        assertThat(prices.refuses("my-groq", "groq/compound"))
                .as("the operator's own price")
                .isEmpty();
    }

    @Test
    void refuses_a_wrong_row_and_names_it() {
        assertWrong(
                "{model: a/b, input: 1.5, cached_input: 1, output: 1, date: '2026-01-01', source: x}",
                "a/b: input <1.5>");
        assertWrong(
                "{model: a/b, input: 1, cached_input: 1, output: 1, date: 'soon', source: x}",
                "a/b: `source` and `date`");
        assertWrong("{input: 1}", "a row without `model`");
        assertWrong(
                "{model: a/b, also: [a/b], input: 1, cached_input: 1, output: 1, date: '2026-01-01', source: x}",
                "a/b stands there twice");
    }

    private static void assertWrong(String row, String reason) {
        byte[] yaml = ("models: [" + row + "]").getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> PriceList.parse(new ByteArrayInputStream(yaml)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }
}
