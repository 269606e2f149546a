package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

class TokensTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{'prompt_tokens':10}",
                "{'prompt_tokens':-10,'completion_tokens':5}",
                "{'prompt_tokens':10,'completion_tokens':-5}",
                "{'prompt_tokens':10,'completion_tokens':5,'prompt_tokens_details':{'cached_tokens':-1}}",
                "{'prompt_tokens':10,'completion_tokens':5,'prompt_tokens_details':{'cached_tokens':11}}"
            })
    void does_not_read_what_cannot_be_true(String usage) {
        assertThat(read(usage)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"15, 5", "12, 5", "0, 5", "-3, 5", "40, 30", "9000000000000000000, 5"})
    void counts_reasoning_that_only_the_total_has(long total, long output) {
        assertThat(read("{'prompt_tokens':10,'completion_tokens':5,'total_tokens':" + total + "}"))
                .hasValue(new Tokens(10, 0, output, false));
    }

    @ParameterizedTest
    @CsvSource({
        "100, 20, 100, 20",
        "12000, 200, 12000, 200",
        "12001, 200, 12000, 200",
        "100, 2001, 100, 2000",
        "9223372036854775807, 9223372036854775807, 12000, 2000"
    })
    void believes_no_provider_beyond_many_times_what_was_held(long input, long output, long in, long out) {
        Tokens told = read("{'prompt_tokens':" + input + ",'completion_tokens':" + output + "}")
                .orElseThrow();
        assertThat(told.believed(100, 100)).isEqualTo(new Tokens(in, 0, out, in < input || out < output));
    }

    private static Optional<Tokens> read(String usage) {
        return Tokens.ofUsage((ObjectNode) Json.read(usage.replace('\'', '"')));
    }

    @Test
    void keeps_what_a_provider_said_of_the_prompt_when_its_answer_breaks_off() {
        Tokens told = new Tokens(100_000, 90_000, 1, false, 5_000);
        assertThat(told.saying(new Tokens(120_000, 0, 40, true)))
                .isEqualTo(new Tokens(100_000, 90_000, 40, true, 5_000));
        assertThat(new Tokens(0, 0, 1, false).saying(new Tokens(7, 0, 40, true)))
                .as("it has not said")
                .isEqualTo(new Tokens(7, 0, 40, true));
    }
}
