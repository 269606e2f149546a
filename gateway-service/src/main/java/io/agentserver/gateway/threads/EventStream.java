package io.agentserver.gateway.threads;

import io.agentserver.buffer.v1.CaughtUp;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Turn;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.gateway.http.Json;
import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One stream of server-sent events, as text: what the buffer tells goes in, what is written to the client comes out, and
 * {@link #isDone} when the stream is at its end (CONTRACTS 5). Knows no socket. Used on one thread.
 */
final class EventStream {
    static final String KEEP_ALIVE = ": keep-alive\n\n";

    private final @Nullable String turn;
    private final boolean resumed;
    private final OpenTurns turns = new OpenTurns();
    private long lastSequence;
    private boolean caughtUp;
    private boolean sentSlot;
    private boolean turnEnded;
    private boolean erased;

    /**
     * @param turn the one whose end is the stream's; null: when no turn is open
     * @param lastEventId of the client that resumes; null: it starts from the first slot
     */
    EventStream(@Nullable String turn, @Nullable Long lastEventId) {
        this.turn = turn;
        this.resumed = lastEventId != null;
        this.lastSequence = lastEventId == null ? 0 : lastEventId;
    }

    /** Where to watch from, also after the buffer was away. */
    long lastSequence() {
        return lastSequence;
    }

    /** What the event is to the client; empty: nothing. */
    String take(WatchEvent event) {
        return switch (event.getEventCase()) {
            case SLOT -> slot(event.getSlot());
            case TURN_ENDED -> ended(event.getTurnEnded());
            case CAUGHT_UP -> caughtUp(event.getCaughtUp());
            case GAP -> {
                lastSequence = Math.max(lastSequence, event.getGap().getThrough());
                yield event("gap", null, Map.of("through", event.getGap().getThrough()));
            }
            case ERASED -> {
                erased = true;
                yield "";
            }
            case EVENT_NOT_SET -> "";
        };
    }

    /** The turn that the stream waits for has ended, as its conversation's state says. */
    void turnHasEnded() {
        turnEnded = true;
    }

    boolean isDone() {
        return erased || (turn != null ? caughtUp && turnEnded : caughtUp && (sentSlot || resumed) && turns.areNone());
    }

    /** The last event. */
    String done() {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("last_sequence", lastSequence);
        if (turn != null) {
            data.put("turn", turn);
        }
        return event("done", null, data);
    }

    boolean isCaughtUp() {
        return caughtUp;
    }

    private String slot(Slot slot) {
        if (slot.getSequence() <= lastSequence) {
            return ""; // sent before the buffer was away
        }
        lastSequence = slot.getSequence();
        sentSlot = true;
        turns.sawSlot(slot);
        return event("slot", slot.getSequence(), ThreadJson.slot(slot));
    }

    private String ended(Turn ended) {
        turns.sawEnd(ended.getId());
        turnEnded |= ended.getId().equals(turn);
        return "";
    }

    private String caughtUp(CaughtUp event) {
        turns.caughtUp(event.getOpenTurn());
        caughtUp = true;
        return "";
    }

    private static String event(String name, @Nullable Long id, Object data) {
        return "event: " + name + "\n" + (id == null ? "" : "id: " + id + "\n") + "data: " + Json.text(data) + "\n\n";
    }
}
