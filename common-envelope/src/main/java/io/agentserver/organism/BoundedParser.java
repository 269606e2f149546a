package io.agentserver.organism;

import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.parser.Parser;

/** Ends the reading of a document that has more parts than an organism can have. Used once, on one thread. */
final class BoundedParser implements Parser {

    private final Parser parser;
    private final int most;
    private int events;

    BoundedParser(Parser parser, int most) {
        this.parser = parser;
        this.most = most;
    }

    /** The document has too many parts. */
    static final class TooManyException extends YAMLException {
        private static final long serialVersionUID = 1;
        private final int line;

        TooManyException(int line) {
            super("too many events");
            this.line = line;
        }

        /** From 1. */
        int line() {
            return line;
        }
    }

    @Override
    public boolean checkEvent(Event.ID choice) {
        return parser.checkEvent(choice);
    }

    @Override
    public Event peekEvent() {
        return parser.peekEvent();
    }

    @Override
    public Event getEvent() {
        Event event = parser.getEvent();
        if (++events > most) {
            throw new TooManyException(event.getStartMark().getLine() + 1);
        }
        return event;
    }
}
