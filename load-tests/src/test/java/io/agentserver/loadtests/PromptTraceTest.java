package io.agentserver.loadtests;

import io.agentserver.loadtests.PromptTrace.Call;
import io.agentserver.loadtests.PromptTrace.Shape;
import org.junit.jupiter.api.Test;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

class PromptTraceTest {
    private static final Shape AGENTS = new Shape(20_000, 2_000, 1.0, 4, 0.2, 50, 1);

    @Test
    void is_the_same_for_the_same_seed_and_another_for_another() {
        assertThat(PromptTrace.of(AGENTS)).isEqualTo(PromptTrace.of(AGENTS)).isNotEqualTo(PromptTrace.of(seed(2)));
    }

    /** What a run has asked is still kept when the next one asks. */
    @Test
    void shares_no_call_with_another_seed() {
        Set<String> of1 = PromptTrace.of(seed(1)).stream().map(Call::messages).collect(Collectors.toSet());
        assertThat(PromptTrace.of(seed(2))).noneMatch(call -> of1.contains(call.messages()));
    }

    @Test
    void says_of_each_call_whether_it_came_before() {
        Set<String> seen = new HashSet<>();
        assertThat(PromptTrace.of(AGENTS))
                .allSatisfy(call -> assertThat(call.repeat()).isEqualTo(!seen.add(call.messages())));
    }

    /** By which seed it is made does not matter: the shape decides. */
    @Test
    void repeats_what_an_agent_like_trace_repeats() {
        for (int seed = 1; seed <= 5; seed++) {
            assertThat(repeats(PromptTrace.of(seed(seed)))).isBetween(0.38, 0.46);
        }
    }

    @Test
    void repeats_nothing_where_all_is_fresh_and_almost_all_where_nothing_is() {
        assertThat(repeats(PromptTrace.of(new Shape(2_000, 10, 1.0, 4, 1, 5, 1))))
                .isZero();
        assertThat(repeats(PromptTrace.of(new Shape(2_000, 10, 1.0, 4, 0, 5, 1))))
                .isEqualTo(1 - 10 * 4 / 2_000.0);
    }

    @Test
    void asks_with_all_of_the_session_before() {
        List<Call> one = PromptTrace.of(new Shape(3, 1, 1.0, 3, 0, 1, 1));
        for (int i = 1; i < one.size(); i++) {
            assertThat(one.get(i).messages()).startsWith(one.get(i - 1).messages());
        }
    }

    private static Shape seed(int seed) {
        return new Shape(
                AGENTS.calls(), AGENTS.tasks(), AGENTS.skew(), AGENTS.steps(), AGENTS.fresh(), AGENTS.atOnce(), seed);
    }

    private static double repeats(List<Call> trace) {
        return trace.stream().filter(Call::repeat).count() / (double) trace.size();
    }
}
