package io.agentserver.gateway.deadletters;

/** Offsets of one partition: the first, and the one behind the last. */
record Span(long from, long to) {
    Span {
        to = Math.max(from, to);
    }

    boolean isEmpty() {
        return from == to;
    }

    boolean has(long offset) {
        return from <= offset && offset < to;
    }

    Span upTo(long offset) {
        return new Span(from, Math.min(to, offset));
    }

    Span startingAt(long offset) {
        return new Span(Math.min(to, Math.max(from, offset)), to);
    }

    Span first(int count) {
        return upTo(from + count);
    }

    Span last(int count) {
        return startingAt(to - count);
    }
}
