package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

class GuardTest {
    private final AtomicLong now = new AtomicLong(-5); // as System.nanoTime may be
    private final Guard guard = new Guard(new Guard.Limits(2, 20, Duration.ofSeconds(10)), now::get);

    @Test
    void lets_so_many_calls_run_at_once_and_no_more() {
        Guard.Pass first = pass();
        pass();
        assertThat(guard.enter("m"))
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
    void keeps_no_shared_place_for_a_call_that_it_does_not_let_in() {
        Semaphore shared = new Semaphore(1);
        Guard.Limits limits = new Guard.Limits(2, 20, Duration.ofHours(1));
        Guard one = new Guard(limits, 16, shared);
        for (int i = 0; i < 40 && one.enter("m") instanceof Guard.Entry.Free free; i++) {
            free.pass().failed("timeout");
            free.pass().leave();
        }
        assertThat(one.isOpen("m")).isTrue();
        assertThat(shared.availablePermits()).isEqualTo(1);
        Guard.Pass pass = ((Guard.Entry.Free) one.enter("other")).pass();
        Guard two = new Guard(limits, 16, shared);
        assertThat(two.enter("m")).isInstanceOf(Guard.Entry.Closed.class);
        assertThat(two.running()).isZero();
        pass.leave();
        assertThat(two.enter("m")).isInstanceOf(Guard.Entry.Free.class);
    }

    @Test
    void leaves_a_backend_alone_for_as_long_as_it_asks() {
        refuse(429, Optional.of(Duration.ofSeconds(7)));
        assertThat(guard.enter("m")).isEqualTo(new Guard.Entry.Closed("wants to be left alone", Duration.ofSeconds(7)));
        later(Duration.ofMillis(6_999));
        assertThat(guard.enter("m")).isInstanceOf(Guard.Entry.Closed.class);
        later(Duration.ofMillis(1));
        refuse(429, Optional.empty()); // it does not ask
        refuse(503, Optional.of(Duration.ofDays(9)));
        later(Duration.ofMinutes(5));
        pass();
    }

    @Test
    void opens_after_failures_and_tries_again_after_a_while() {
        failFiveTimes();
        assertThat(guard.enter("m")).isInstanceOf(Guard.Entry.Closed.class);
        later(Duration.ofMillis(10_001));
        for (int i = 0; i < 2; i++) {
            Guard.Pass probe = pass();
            probe.answered();
            probe.leave();
        }
        assertThat(guard.isOpen("m")).isFalse();
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
        assertThat(guard.isOpen("m")).isTrue();
    }

    @Test
    void opens_for_timeouts_and_5xx_and_a_408() {
        for (int i = 0; i < 5; i++) {
            Guard.Pass pass = pass();
            switch (i % 3) {
                case 0 -> pass.failed("timeout");
                case 1 -> pass.refused(500 + i, Optional.empty());
                default -> pass.refused(408, Optional.empty());
            }
            pass.leave();
        }
        assertThat(guard.isOpen("m")).isTrue();
        assertThat(guard.enter("m")).isInstanceOf(Guard.Entry.Closed.class);
    }

    @Test
    void what_one_model_does_closes_no_other() {
        refuse(429, Optional.of(Duration.ofSeconds(7)));
        assertThat(guard.enter("m")).isInstanceOf(Guard.Entry.Closed.class);
        pass("other").leave();
        later(Duration.ofSeconds(7));
        failFiveTimes();
        Guard.Pass other = pass("other");
        other.answered();
        other.leave();
        assertThat(guard.isOpen("other")).isFalse();
    }

    /** Callers can name any model. */
    @Test
    void remembers_a_bounded_number_of_models_and_nothing_of_those_that_do_not_fail() {
        for (int i = 0; i < 10 * Guard.MOST_MODELS; i++) {
            Guard.Pass unknown = pass("unknown-" + i);
            unknown.refused(404, Optional.empty());
            unknown.leave();
            Guard.Pass well = pass("well-" + i);
            well.answered();
            well.leave();
        }
        assertThat(guard.models()).isZero();
        failFiveTimes();
        for (int i = 0; i < 2 * Guard.MOST_MODELS; i++) {
            Guard.Pass failing = pass("failing-" + i);
            failing.failed("timeout");
            failing.leave();
            assertThat(guard.enter("m")).as("it is asked for all the time").isInstanceOf(Guard.Entry.Closed.class);
        }
        assertThat(guard.models()).isEqualTo(Guard.MOST_MODELS);
    }

    /** Else one tenant that names models that are none would take the provider from all. */
    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404, 422, 429})
    void does_not_open_for_what_a_caller_can_bring_about(int status) {
        for (int i = 0; i < 50; i++) {
            refuse(status, Optional.empty());
        }
        assertThat(guard.isOpen("m")).isFalse();
        pass();
    }

    @Test
    void a_call_that_is_given_up_says_nothing_and_keeps_no_place() {
        for (int i = 0; i < 50; i++) {
            giveUp();
        }
        assertThat(guard.running()).isZero();
        assertThat(guard.isOpen("m")).isFalse();
        failFiveTimes();
        later(Duration.ofMillis(10_001));
        for (int i = 0; i < 10; i++) {
            giveUp(); // a probe's permission comes back
        }
    }

    @Test
    void counts_what_went_well_of_the_calls_that_began_before_the_first_failure() {
        Guard busy = new Guard(new Guard.Limits(1_000, 20, Duration.ofSeconds(10)), now::get);
        List<Guard.Pass> passes = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            passes.add(((Guard.Entry.Free) busy.enter("m")).pass());
        }
        for (int i = 0; i < 100; i++) {
            if (i % 10 == 0) {
                passes.get(i).failed("timeout");
            } else {
                passes.get(i).answered();
            }
        }
        assertThat(busy.isOpen("m")).as("one in ten has failed").isFalse();
    }

    /** The backend's thread may be through before it is looked at what it has said. */
    @Test
    void hears_of_a_failure_after_the_place_is_free() {
        for (int i = 0; i < 5; i++) {
            Guard.Pass pass = pass();
            pass.leave();
            pass.failed("cannot be reached");
        }
        assertThat(guard.isOpen("m")).isTrue();
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
        assertThat(guard.isOpen("m")).isTrue();
    }

    private void refuse(int status, Optional<Duration> retryAfter) {
        Guard.Pass pass = pass();
        pass.refused(status, retryAfter);
        pass.leave();
    }

    private Guard.Pass pass() {
        return pass("m");
    }

    private Guard.Pass pass(String model) {
        Guard.Entry entry = guard.enter(model);
        assertThat(entry).isInstanceOf(Guard.Entry.Free.class);
        return ((Guard.Entry.Free) entry).pass();
    }

    private void later(Duration time) {
        now.addAndGet(time.toNanos());
    }
}
