package io.agentserver.router;

import io.agentserver.service.ConfigurationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The routes of now: the file and the keys that it names are looked at every two seconds, by their content, for neither times nor
 * events are the same on every mounted volume. A file that is wrong is refused as a whole, with its line in the log, and the one
 * before it serves; it is tried again at each look, for what is wrong may be a key that is not there yet.
 * Calls that run keep the routes they began with. Safe on any thread.
 */
final class LiveRoutes implements Supplier<RouteTable>, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LiveRoutes.class);
    static final Duration LOOK_EVERY = Duration.ofSeconds(2);

    private final Path file;
    private final Function<String, RouteTable> parser;
    private final Thread watcher;
    private volatile RouteTable current;
    private volatile boolean refused;
    private String serves;
    private String told = "";

    /**
     * @param parser of the file's text; throws a {@link ConfigurationException}
     * @throws ConfigurationException if it is wrong at the start
     */
    LiveRoutes(Path file, Function<String, RouteTable> parser) {
        this.file = file;
        this.parser = parser;
        this.serves = text();
        this.current = parser.apply(serves);
        this.watcher = Thread.ofVirtual().name("routes-file").unstarted(this::watch);
    }

    LiveRoutes start() {
        watcher.start();
        return this;
    }

    @Override
    public RouteTable get() {
        return current;
    }

    /** Whether the file as it is now is wrong. */
    boolean isRefused() {
        return refused;
    }

    @Override
    public void close() {
        watcher.interrupt();
    }

    private void watch() {
        try {
            while (true) {
                Thread.sleep(LOOK_EVERY);
                look();
            }
        } catch (InterruptedException closed) {
            // nobody asks for routes any more
        }
    }

    private void look() {
        try {
            String text = text();
            if (!text.equals(serves) || current.keys().haveChanged()) {
                current = parser.apply(text);
                serves = text;
                LOG.info("the routes of {} serve from now on", file);
            }
            refused = false;
            told = "";
        } catch (ConfigurationException wrong) {
            refuse(String.valueOf(wrong.getMessage()), null);
        } catch (RuntimeException unexpected) {
            refuse("the routes of " + file + " cannot be read: " + unexpected, unexpected);
        }
    }

    /** Tells each reason once. */
    private void refuse(String why, @Nullable RuntimeException unexpected) {
        refused = true;
        if (!why.equals(told)) {
            LOG.error("{}; the routes from before serve on", why, unexpected);
            told = why;
        }
    }

    private String text() {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new ConfigurationException(
                    "AGENTSERVER_LLM_ROUTES=" + file
                            + ": the file cannot be read: name a readable UTF-8 file or unset the variable",
                    unreadable);
        }
    }
}
