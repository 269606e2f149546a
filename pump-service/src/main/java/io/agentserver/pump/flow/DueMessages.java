package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.FairGate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.List;

/**
 * Brings back through the log what has become due: asks the buffer, puts it on the log, says that it is there. What was not said
 * is handed out again, to this pump or another; what comes twice is recognised. One thread asks; each item goes to the log on a
 * thread of its own, some hundred at once and of each tenant its share ({@link DueInHand}), and one that the log does not take
 * in some seconds is left for later: what cannot be written holds up no other.
 */
public final class DueMessages implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DueMessages.class);
    private static final Duration PAUSE = Duration.ofMillis(400);
    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofSeconds(1);
    /** How long an item is tried, from its second attempt on. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    /** For what is on its way, and once more for the last word to the buffer. */
    private static final Duration CLOSING = Duration.ofSeconds(1);
    /** Its steps take 10 s at most each. */
    private static final Duration STUCK = Duration.ofMinutes(2);

    private final String owner = Ids.v7().toString();
    private final ThreadBuffer buffer;
    private final Emitter emitter;
    private final FairGate<TenantId> gate;
    private final LongWaits waits = GatedHold.longWaits();
    private final Duration patience;
    private final DueInHand hand = new DueInHand(System::nanoTime);
    private final Thread thread = Thread.ofVirtual().name("due-messages").unstarted(this::run);
    /** Fewer than there is room for when a reply was too large. */
    private int atMost = DueInHand.MOST;

    private volatile long lastRound = System.nanoTime();
    private volatile boolean closed;

    DueMessages(ThreadBuffer buffer, Emitter emitter, FairGate<TenantId> gate) {
        this(buffer, emitter, gate, PATIENCE);
    }

    /** @param gate shares the work of signing; its places are given back while the log is waited for */
    DueMessages(ThreadBuffer buffer, Emitter emitter, FairGate<TenantId> gate, Duration patience) {
        this.buffer = buffer;
        this.emitter = emitter;
        this.gate = gate;
        this.patience = patience;
    }

    public DueMessages start() {
        lastRound = System.nanoTime();
        thread.start();
        return this;
    }

    /** False: nothing is brought back any more although nobody closed it, and only a new process helps. */
    public boolean isAlive() {
        return closed || thread.isAlive() && System.nanoTime() - lastRound < STUCK.toNanos();
    }

    /** Waits a moment for what is on its way, says what is done, and gives its part of the index to others. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            hand.awaitAtMost(0, CLOSING);
            Thread.ofVirtual().name("due-messages-leave").start(this::leave).join(CLOSING);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void leave() {
        try {
            buffer.due(
                    hand.asking(1).setOwner(owner).setLimit(1).setLeaves(true).build());
        } catch (RuntimeException e) {
            LOG.debug("others take over what is due when this pump's lease is over: {}", e.toString());
        }
    }

    private void run() {
        while (!closed) {
            lastRound = System.nanoTime();
            try {
                round();
            } catch (UnavailableException e) {
                LOG.debug("asking again: {}", e.getMessage());
                pauseAfterFailure();
            } catch (RuntimeException | Error e) {
                LOG.error("what is due was not asked for; trying again", e);
                pauseAfterFailure();
            } catch (InterruptedException e) {
                closed = true; // nobody else interrupts it
            }
        }
    }

    private void round() throws InterruptedException {
        int begun = 0;
        for (DueItem item : ask().getItemsList()) {
            if (hand.take(item)) {
                begun++;
                Thread.ofVirtual().name("due-message").start(() -> bringBack(item));
            }
        }
        if (begun == 0) {
            Thread.sleep(PAUSE);
        } else {
            hand.awaitAtMost(
                    hand.onTheirWay() / 2, PAUSE); // the log takes its time; the next may be asked for meanwhile
        }
    }

    private DueReply ask() {
        DueRequest.Builder asked = hand.asking(atMost);
        if (asked.getLimit() == 0) {
            return DueReply.getDefaultInstance();
        }
        try {
            DueReply reply = buffer.due(asked.setOwner(owner).build());
            hand.said(asked.getDoneList());
            atMost = Math.min(DueInHand.MOST, 2 * atMost);
            return reply;
        } catch (ThreadBuffer.TooLarge e) { // of a buffer that does not bound its replies
            atMost = Math.max(1, atMost / 8);
            throw new UnavailableException("asking for " + atMost + " at most: " + e.getMessage(), e);
        }
    }

    private void bringBack(DueItem item) {
        boolean onTheLog = false;
        try {
            TenantId tenant = new TenantId(item.getTenant());
            Hold hold = new GatedHold(gate, waits, tenant, new OneRound());
            onTheLog = gate.inside(tenant, () -> isEmitted(item, hold));
        } catch (RuntimeException | Error e) {
            LOG.error("{} was not brought back; it is left for later", item.getKey(), e);
        } finally {
            hand.ended(item, onTheLog);
        }
    }

    private boolean isEmitted(DueItem item, Hold hold) {
        try {
            emitter.emit(new TenantId(item.getTenant()), item.getEmissionsList(), List.of(), hold);
            return true;
        } catch (Patience.LetGo e) {
            LOG.warn("the log does not take {}: left for later", item.getKey());
            return false;
        }
    }

    /**
     * One round without threads: each item after the one before.
     *
     * @return how many entries were due
     */
    public int bringBack() {
        DueReply reply = ask();
        for (DueItem item : reply.getItemsList()) {
            if (hand.take(item)) {
                hand.ended(item, isEmitted(item, () -> closed));
            }
        }
        return reply.getItemsCount();
    }

    /** Holds an item for one attempt, and for as many more as there is time for. On the item's thread. */
    private final class OneRound implements Hold {
        private final long begun = System.nanoTime();
        private boolean failed;

        @Override
        public boolean isLetGo() {
            return failed && (closed || System.nanoTime() - begun >= patience.toNanos());
        }

        @Override
        public Pause pause() {
            failed = true;
            return () -> {};
        }
    }

    private void pauseAfterFailure() {
        try {
            Thread.sleep(PAUSE_AFTER_FAILURE);
        } catch (InterruptedException e) {
            closed = true;
        }
    }
}
