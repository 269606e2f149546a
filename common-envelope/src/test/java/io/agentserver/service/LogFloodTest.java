package io.agentserver.service;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

class LogFloodTest {
    private final AtomicLong nanos = new AtomicLong();
    private final LoggerContext context = new LoggerContext();
    private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
    private final Logger log = context.getLogger("requests");

    @BeforeEach
    void begin() {
        logged.start();
        context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).addAppender(logged);
        context.addTurboFilter(new LogFlood(nanos::get));
    }

    @Test
    void keeps_back_what_comes_by_the_thousand_and_says_how_many() {
        warn(1_000);
        assertThat(lines()).hasSize(LogFlood.MOST);

        nanos.addAndGet(Duration.ofSeconds(10).toNanos());
        warn(1);
        assertThat(lines())
                .hasSize(LogFlood.MOST + 2)
                .endsWith("950 more warnings like those before were kept back", "the store is away");
    }

    @Test
    void says_nothing_of_what_it_has_not_kept_back() {
        warn(LogFlood.MOST);
        nanos.addAndGet(Duration.ofSeconds(10).toNanos());
        warn(1);
        assertThat(lines()).hasSize(LogFlood.MOST + 1).containsOnly("the store is away");
    }

    @Test
    void keeps_no_error_back() {
        warn(1_000);
        for (int i = 0; i < 1_000; i++) {
            log.error("usage record not on the log: {}", i);
        }
        assertThat(lines()).hasSize(LogFlood.MOST + 1_000);
    }

    @Test
    void keeps_back_no_other_loggers_warnings() {
        warn(1_000);
        context.getLogger("another").warn("a certificate expires");
        assertThat(lines()).endsWith("a certificate expires");
    }

    private void warn(int times) {
        for (int i = 0; i < times; i++) {
            log.warn("the {} is away", "store");
        }
    }

    private List<String> lines() {
        return logged.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }
}
