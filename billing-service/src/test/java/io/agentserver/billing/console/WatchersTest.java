package io.agentserver.billing.console;

import io.agentserver.billing.console.Watchers.Watching;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

class WatchersTest {
    private static final TenantId DEMO = new TenantId("demo");

    @TempDir
    static Path directory;

    private static RunningConsole console;

    private Instant now = Instant.parse("2026-01-31T08:00:00Z");

    @BeforeAll
    static void start() {
        console = RunningConsole.start(directory, Map.of());
        console.putTenant("demo");
    }

    @AfterAll
    static void stop() {
        console.close();
    }

    @Test
    void one_person_watches_so_many_at_once_and_no_more() {
        Watchers watchers = watchers();
        Visit visit = member("many@demo.test", Role.VIEWER);
        Deque<Watching> all = new ArrayDeque<>();
        for (int i = 0; i < Watchers.MOST_OF_ONE; i++) {
            all.add(watchers.enter(visit).orElseThrow());
        }
        assertThat(watchers.enter(visit)).isEmpty();
        assertThat(watchers.enter(member("other@demo.test", Role.VIEWER))).isPresent();
        all.pop().close();
        assertThat(watchers.enter(visit)).isPresent();
        assertThat(watchers.enter(visit)).isEmpty();
    }

    @Test
    void whoever_may_not_look_any_more_is_out_and_a_stream_ends_after_a_while() {
        Watchers watchers = watchers();
        Visit visit = member("going@demo.test", Role.VIEWER);
        Watching place = watchers.enter(visit).orElseThrow();
        assertThat(place.isStillAllowed()).isTrue();
        console.bean(DynamoMembers.class).ensure(DEMO, "going@demo.test", Role.BILLING);
        now = now.plusSeconds(3);
        assertThat(place.isStillAllowed()).isFalse();

        Watching staying =
                watchers.enter(member("staying@demo.test", Role.OWNER)).orElseThrow();
        now = now.plus(Duration.ofMinutes(9));
        assertThat(staying.isStillAllowed()).isTrue();
        now = now.plus(Duration.ofMinutes(2));
        assertThat(staying.isStillAllowed()).isFalse();
    }

    private Watchers watchers() {
        return new Watchers(console.bean(Orgs.class), new Clock() {
            @Override
            public java.time.ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(java.time.ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                return now;
            }
        });
    }

    private static Visit member(String email, Role role) {
        console.bean(DynamoMembers.class).ensure(DEMO, email, role);
        Optional<Visit> visit = console.bean(Orgs.class).visit(new Person(email, email), "demo");
        return visit.orElseThrow();
    }
}
