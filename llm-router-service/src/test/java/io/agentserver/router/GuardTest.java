package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

class GuardTest {
    private final AtomicLong now = new AtomicLong(-5); // as System.nanoTime may be
    private final Guard guard = new Guard("pool", new Guard.Limits(2, 20, Duration.ofSeconds(10)), now::get);

    @Test
    void lets_so_many_calls_run_at_once_and_no_more() {
        Guard.Pass first = pass();
        pass();
        assertThat(guard.enter())
                .isInstanceOfSatisfying(
                        Guard.Entry.Closed.class,
                        closed -> assertThat(closed.reason()).isEqualTo("has 2 calls already"));
        first.answered();
        assertThat(guard.running()).isEqualTo(2);
        first.leave();
        first.leave();
        assertThat(guard.running()).isEqualTo(1);
        pass();
    }

    @Test
    void leaves_a_backend_alone_for_as_long_as_it_asks() {
        refuse(429, Optional.of(Duration.ofSeconds(7)));
        assertThat(guard.enter()).isEqualTo(new Guard.Entry.Closed("wants to be left alone", Duration.ofSeconds(7)));
        later(Duration.ofMillis(6_999));
        assertThat(guard.enter()).isInstanceOf(Guard.Entry.Closed.class);
        later(Duration.ofMillis(1));
        refuse(429, Optional.empty()); // it does not ask
        refuse(503, Optional.of(Duration.ofDays(9)));
        later(Duration.ofMinutes(5));
        pass();
    }

    @Test
    void opens_after_failures_and_tries_again_after_a_while() {
        failFiveTimes();
        assertThat(guard.enter()).isInstanceOf(Guard.Entry.Closed.class);
        later(Duration.ofMillis(10_001));
        for (int i = 0; i < 2; i++) {
            Guard.Pass probe = pass();
            probe.answered();
            probe.leave();
        }
        assertThat(guard.isOpen()).isFalse();
        pass();
    }

    @Test
    void opens_for_streams_that_break_off_too() {
        for (int i = 0; i < 3; i++) {
            Guard.Pass pass = pass();
            pass.answered();
            pass.broke("cut");
            pass.leave();
        }
        assertThat(guard.isOpen()).isTrue();
    }

    /** Else one tenant that names models that are none would take the provider from all. */
    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404, 422})
    void does_not_open_for_what_a_caller_can_bring_about(int status) {
        for (int i = 0; i < 50; i++) {
            refuse(status, Optional.empty());
        }
        assertThat(guard.isOpen()).isFalse();
        pass();
    }

    @Test
    void a_call_that_is_given_up_says_nothing_and_keeps_no_place() {
        for (int i = 0; i < 50; i++) {
            giveUp();
        }
        assertThat(guard.running()).isZero();
        assertThat(guard.isOpen()).isFalse();
        failFiveTimes();
        later(Duration.ofMillis(10_001));
        for (int i = 0; i < 10; i++) {
            giveUp(); // a probe's permission comes back
        }
    }

    /** The backend's thread may be through before it is looked at what it has said. */
    @Test
    void hears_of_a_failure_after_the_place_is_free() {
        for (int i = 0; i < 5; i++) {
            Guard.Pass pass = pass();
            pass.leave();
            pass.failed("cannot be reached");
        }
        assertThat(guard.isOpen()).isTrue();
    }

    private void giveUp() {
        Guard.Pass pass = pass();
        pass.givenUp();
        pass.leave();
    }

    private void failFiveTimes() {
        for (int i = 0; i < 5; i++) {
            Guard.Pass pass = pass();
            pass.failed("cannot be reached");
            pass.leave();
        }
        assertThat(guard.isOpen()).isTrue();
    }

    private void refuse(int status, Optional<Duration> retryAfter) {
        Guard.Pass pass = pass();
        pass.refused(status, retryAfter);
        pass.leave();
    }

    private Guard.Pass pass() {
        Guard.Entry entry = guard.enter();
        assertThat(entry).isInstanceOf(Guard.Entry.Free.class);
        return ((Guard.Entry.Free) entry).pass();
    }

    private void later(Duration time) {
        now.addAndGet(time.toNanos());
    }
}
