package io.agentserver.tenancy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class KeyUsesTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final Instant NOON = Instant.parse("2030-01-31T12:00:00Z");

    private final List<KeyUses.Use> kept = new ArrayList<>();
    private final List<KeyUses.Use> others = new ArrayList<>();
    private RuntimeException failure = new RuntimeException("away");
    private String failsFor = "";
    private final KeyUses uses = new KeyUses(
            use -> {
                if (use.keyId().startsWith(failsFor) && !failsFor.isEmpty()) {
                    throw failure;
                }
                kept.add(use);
            },
            () -> {
                List<KeyUses.Use> taken = List.copyOf(others);
                others.clear();
                return taken;
            });

    @AfterEach
    void close() {
        uses.close();
    }

    @Test
    void keeps_the_use_of_a_key_once_a_minute() {
        uses.saw(ACME, "a", NOON.plusMillis(400));
        for (int second = 0; second < 60; second++) {
            uses.saw(ACME, "a", NOON.plusSeconds(second));
        }
        uses.saw(new TenantId("globex"), "a", NOON.plusSeconds(1));
        uses.pass();
        assertThat(kept)
                .containsExactlyInAnyOrder(
                        new KeyUses.Use(ACME, "a", NOON),
                        new KeyUses.Use(new TenantId("globex"), "a", NOON.plusSeconds(1)));
        uses.saw(ACME, "a", NOON.plusSeconds(59));
        uses.saw(ACME, "a", NOON.plusSeconds(61));
        uses.pass();
        assertThat(kept).hasSize(3).endsWith(new KeyUses.Use(ACME, "a", NOON.plusSeconds(61)));
        assertThat(uses.here(ACME, "a")).contains(NOON.plusSeconds(61));
        assertThat(uses.here(ACME, "b")).isEmpty();
    }

    @Test
    void waits_while_its_keeper_is_away_and_keeps_the_latest_then() {
        failsFor = "a";
        uses.saw(ACME, "a", NOON);
        uses.pass();
        uses.saw(ACME, "a", NOON.plusSeconds(90));
        uses.pass();
        assertThat(kept).isEmpty();

        failsFor = "";
        uses.pass();
        uses.pass();
        assertThat(kept).containsExactly(new KeyUses.Use(ACME, "a", NOON.plusSeconds(90)));
    }

    @Test
    void is_not_held_up_by_one_that_is_never_taken() {
        failsFor = "bad";
        failure = new IllegalStateException("never");
        for (String key : List.of("bad1", "a", "bad2", "b")) {
            uses.saw(ACME, key, NOON);
        }
        uses.pass();
        assertThat(kept).extracting(KeyUses.Use::keyId).containsExactlyInAnyOrder("a", "b");
    }

    @Test
    void keeps_what_others_have_noted_and_of_two_the_later() {
        others.add(new KeyUses.Use(ACME, "a", NOON.plusSeconds(30)));
        others.add(new KeyUses.Use(ACME, "b", NOON));
        uses.saw(ACME, "a", NOON);
        uses.pass();
        assertThat(kept)
                .containsExactlyInAnyOrder(
                        new KeyUses.Use(ACME, "a", NOON.plusSeconds(30)), new KeyUses.Use(ACME, "b", NOON));
    }

    @Test
    void says_once_that_others_cannot_be_asked_however_long_they_are_away() {
        ListAppender<ILoggingEvent> logged = new ListAppender<>();
        logged.start();
        Logger log = (Logger) LoggerFactory.getLogger(KeyUses.class);
        log.addAppender(logged);
        boolean[] away = {true};
        try (KeyUses asking = new KeyUses(kept::add, () -> {
            if (away[0]) {
                throw new IllegalStateException("Redis is away");
            }
            return List.of();
        })) {
            asking.pass();
            asking.pass();
            assertThat(logged.list).hasSize(1);
            away[0] = false;
            asking.pass();
            away[0] = true;
            asking.pass();
            assertThat(logged.list).as("away again").hasSize(2);
        } finally {
            log.detachAppender(logged);
        }
    }

    @Test
    void keeps_what_it_has_noted_when_it_ends() {
        uses.saw(ACME, "a", NOON);
        uses.start().close();
        assertThat(kept).containsExactly(new KeyUses.Use(ACME, "a", NOON));
    }
}
