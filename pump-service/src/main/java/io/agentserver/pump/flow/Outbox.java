package io.agentserver.pump.flow;

import java.util.List;

/** The way onto the log. Safe on any thread. */
public interface Outbox {
    /** Of one record: what the tenants' topics take. */
    int MOST_BYTES = 2 * 1024 * 1024;

    /**
     * Blocks until the log has acknowledged all. Repeating it makes repeats that the journal recognises.
     *
     * @throws UnavailableException if some may not be on the log; try again
     * @throws TooLarge if a record is over the log's limit; trying again does not help
     */
    void append(List<LogRecord> records);

    /** A record is over what the log takes. */
    final class TooLarge extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public TooLarge(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
