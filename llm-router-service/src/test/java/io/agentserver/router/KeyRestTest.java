package io.agentserver.router;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KeyRestTest {
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5); // as System.nanoTime may be
    private final KeyRest rest = new KeyRest("openai", now::get);

    @Test
    void rests_twice_as_long_after_each_further_refusal_and_never_for_more_than_five_minutes() throws Exception {
        for (int seconds : new int[] {10, 20, 40, 80, 160, 300, 300, 300, 300}) {
            rest.refused(rest.enter());
            later(Duration.ofSeconds(seconds).minusNanos(1));
            assertRests("for 1 s more");
            later(Duration.ofNanos(1));
        }
        rest.enter();
    }

    @Test
    void counts_the_first_of_calls_that_were_refused_side_by_side() throws Exception {
        long one = rest.enter();
        long other = rest.enter();
        rest.refused(one);
        later(Duration.ofSeconds(9));
        rest.refused(other);
        later(Duration.ofSeconds(1));
        rest.enter();
    }

    @Test
    void lets_one_call_try_and_all_others_after_one_that_was_answered() throws Exception {
        rest.refused(rest.enter());
        later(KeyRest.FIRST);
        rest.enter();
        assertRests("was refused and is left alone");
        later(KeyRest.FIRST);
        rest.enter(); // the first hangs
        rest.taken();
        long entered = rest.enter();
        rest.enter();
        rest.refused(entered);
        later(KeyRest.FIRST);
        rest.enter(); // it began at 10 s again
    }

    private void later(Duration time) {
        now.addAndGet(time.toNanos());
    }

    private void assertRests(String said) {
        assertThatThrownBy(rest::enter)
                .isInstanceOf(KeyNotOpenedException.class)
                .hasMessageContaining("the tenant's own key of openai ")
                .hasMessageContaining(said);
    }
}
