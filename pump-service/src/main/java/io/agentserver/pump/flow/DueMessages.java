package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Brings back through the log what has become due: asks the buffer, puts it on the log, says that it is there. What was not said
 * is handed out again, to this pump or another; what comes twice is recognised. One thread of its own.
 */
public final class DueMessages implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DueMessages.class);
    private static final Duration PAUSE = Duration.ofMillis(400);
    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofSeconds(1);
    private static final int MOST = 200;

    private final String owner = Ids.v7().toString();
    private final ThreadBuffer buffer;
    private final Emitter emitter;
    private final Thread thread = Thread.ofVirtual().name("due-messages").unstarted(this::run);
    private List<String> done = List.of();
    private volatile boolean closed;

    DueMessages(ThreadBuffer buffer, Emitter emitter) {
        this.buffer = buffer;
        this.emitter = emitter;
    }

    public DueMessages start() {
        thread.start();
        return this;
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    private void run() {
        while (!closed) {
            try {
                if (bringBack() < MOST) {
                    Thread.sleep(PAUSE);
                }
            } catch (UnavailableException | Patience.LetGo e) {
                LOG.debug("asking again: {}", e.getMessage());
                pauseAfterFailure();
            } catch (RuntimeException e) {
                LOG.warn("what is due was not brought back; trying again", e);
                pauseAfterFailure();
            } catch (InterruptedException e) {
                closed = true; // nobody else interrupts it
            }
        }
    }

    /** @return how many entries were due */
    public int bringBack() {
        DueReply reply = buffer.due(DueRequest.newBuilder()
                .setOwner(owner)
                .setLimit(MOST)
                .addAllDone(done)
                .build());
        done = List.of();
        List<String> emitted = new ArrayList<>();
        try {
            for (DueItem item : reply.getItemsList()) {
                emitter.emit(new TenantId(item.getTenant()), item.getEmissionsList(), List.of(), () -> closed);
                emitted.add(item.getKey());
            }
        } finally {
            done = emitted;
        }
        return reply.getItemsCount();
    }

    private void pauseAfterFailure() {
        try {
            Thread.sleep(PAUSE_AFTER_FAILURE);
        } catch (InterruptedException e) {
            closed = true;
        }
    }
}
