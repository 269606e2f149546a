package io.agentserver.pump.log;

import io.agentserver.pump.flow.Hold;
import io.agentserver.pump.flow.LogMessage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One lane for each thread of each partition: its messages are handled one at a time in the log's order, on a virtual thread
 * that lives while the lane has any; lanes run side by side. A message whose work throws is handled again, after a growing
 * pause, for as long as its partition is held: what comes after it in its lane waits, other lanes go on. What a lane has
 * finished may be committed; what it held of a partition that was let go is nobody's business here any more. All methods are
 * safe on any thread and do not block, but for {@link #awaitIdle}.
 */
final class Lanes {
    private static final Logger LOG = LoggerFactory.getLogger(Lanes.class);
    private static final long SHORTEST_PAUSE_MS = 200;
    private static final long LONGEST_PAUSE_MS = 5_000;

    private final MessageWork work;
    private final Intake intake;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private final Map<Intake.Slice, Holding> holdings = new HashMap<>();
    /** Those that want to be told when they are let go. */
    private final Map<MessageHold, Runnable> listening = new ConcurrentHashMap<>();

    private int running;
    private int detached;
    private volatile boolean stopped;

    /** What is done for each message. */
    @FunctionalInterface
    interface MessageWork {
        /** @return whether it is finished and may be committed */
        boolean handle(LogMessage message, Hold hold);
    }

    /** A partition from its assignment to its revocation. */
    private static final class Holding {
        private final OffsetWindow window = new OffsetWindow();
        private final Map<String, Deque<LogMessage>> lanes = new HashMap<>();
        private volatile boolean letGo;
    }

    /** A message from when it is first in its lane to its end. */
    private final class MessageHold implements Hold {
        private final Holding holding;
        private final String key;
        private final LogMessage message;
        private volatile boolean isDetached;

        MessageHold(Holding holding, String key, LogMessage message) {
            this.holding = holding;
            this.key = key;
            this.message = message;
        }

        @Override
        public boolean isLetGo() {
            return isDetached ? stopped : holding.letGo;
        }

        @Override
        public void whenLetGo(Runnable stop) {
            listening.put(this, stop);
            tellIfLetGo();
        }

        void tellIfLetGo() {
            Runnable stop = isLetGo() ? listening.remove(this) : null;
            if (stop != null) {
                stop.run();
            }
        }

        @Override
        public void detach() {
            lock.lock();
            try {
                if (isDetached || holding.letGo) {
                    return;
                }
                isDetached = true;
                detached++;
                intake.detach(slice(message), message.value().length);
                holding.window.finish(message.offset());
                if (following(holding, key) != null) {
                    Thread.ofVirtual().name("lane").start(() -> run(holding, key));
                }
            } finally {
                lock.unlock();
            }
        }

        void end() {
            lock.lock();
            try {
                listening.remove(this);
                intake.releaseDetached(slice(message), message.value().length);
                detached--;
                idle.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    Lanes(MessageWork work, Intake intake) {
        this.work = work;
        this.intake = intake;
    }

    /**
     * Puts a message at the end of its lane. An offset that is not above the last one begins its partition anew, with what is
     * unfinished below it: the log has lost its end, and not that.
     */
    void add(LogMessage message) {
        Intake.Slice slice = slice(message);
        lock.lock();
        try {
            Holding known = holdings.get(slice);
            if (known != null && !known.window.takes(message.offset())) {
                LOG.warn("{}-{} goes back to offset {}", message.topic(), message.partition(), message.offset());
                List<LogMessage> below = unfinishedBelow(known, message.offset());
                letGo(slice);
                below.forEach(each -> put(slice, each));
            }
            put(slice, message);
        } finally {
            lock.unlock();
        }
    }

    private static List<LogMessage> unfinishedBelow(Holding holding, long offset) {
        return holding.lanes.values().stream()
                .flatMap(Deque::stream)
                .filter(message -> message.offset() < offset)
                .sorted(Comparator.comparingLong(LogMessage::offset))
                .toList();
    }

    private void put(Intake.Slice slice, LogMessage message) {
        Holding holding = holdings.computeIfAbsent(slice, _ -> new Holding());
        holding.window.start(message.offset());
        intake.take(slice, message.value().length);
        String key = new String(message.key(), StandardCharsets.ISO_8859_1);
        Deque<LogMessage> lane = holding.lanes.get(key);
        if (lane != null) {
            lane.add(message);
            return;
        }
        lane = new ArrayDeque<>();
        lane.add(message);
        holding.lanes.put(key, lane);
        running++;
        Thread.ofVirtual().name("lane").start(() -> run(holding, key));
    }

    boolean isFull(Intake.Slice slice) {
        lock.lock();
        try {
            return intake.isFull(slice);
        } finally {
            lock.unlock();
        }
    }

    /** What of each held partition may be committed and has not been. */
    Map<Intake.Slice, Long> committable() {
        lock.lock();
        try {
            Map<Intake.Slice, Long> offsets = new HashMap<>();
            holdings.forEach((slice, holding) -> {
                if (holding.window.isDirty()) {
                    offsets.put(slice, holding.window.committable());
                }
            });
            return offsets;
        } finally {
            lock.unlock();
        }
    }

    void committed(Map<Intake.Slice, Long> offsets) {
        lock.lock();
        try {
            offsets.forEach((slice, offset) -> {
                Holding holding = holdings.get(slice);
                // a commit of an earlier holding may be acknowledged late, and be above what this one has seen
                if (holding != null && offset <= holding.window.committable()) {
                    holding.window.committed(offset);
                }
            });
        } finally {
            lock.unlock();
        }
    }

    /** Forgets a partition: what waits is not handled, what runs may stop, and nothing of it counts. */
    void letGo(Intake.Slice slice) {
        lock.lock();
        try {
            Holding holding = holdings.remove(slice);
            if (holding == null) {
                return;
            }
            holding.letGo = true;
            listening.keySet().forEach(MessageHold::tellIfLetGo);
            holding.lanes.forEach((_, lane) -> {
                // the first is running: its lane releases it
                while (lane.size() > 1) {
                    intake.release(slice, lane.removeLast().value().length);
                }
            });
        } finally {
            lock.unlock();
        }
    }

    void letGoOfAll() {
        lock.lock();
        try {
            for (Intake.Slice slice : holdings.keySet().toArray(Intake.Slice[]::new)) {
                letGo(slice);
            }
        } finally {
            lock.unlock();
        }
    }

    /** No partition is held any more, and what is detached is let go too. */
    void stop() {
        stopped = true;
        letGoOfAll();
        listening.keySet().forEach(MessageHold::tellIfLetGo);
    }

    /** Messages that are worked on off the log. */
    int detached() {
        lock.lock();
        try {
            return detached;
        } finally {
            lock.unlock();
        }
    }

    /** Messages taken and not finished. */
    int inFlight(Intake.Slice slice) {
        lock.lock();
        try {
            return intake.messagesOf(slice);
        } finally {
            lock.unlock();
        }
    }

    /** Whether the message at this offset, or one before it, was taken and is not finished. */
    boolean isAtWorkOn(Intake.Slice slice, long offset) {
        lock.lock();
        try {
            Holding holding = holdings.get(slice);
            return holding != null && holding.window.unfinishedCount() > 0 && holding.window.committable() <= offset;
        } finally {
            lock.unlock();
        }
    }

    /** When the log took the oldest message that was taken and is not finished, in ms since 1970; of those that it is known of. */
    OptionalLong oldest(Intake.Slice slice) {
        lock.lock();
        try {
            Holding holding = holdings.get(slice);
            if (holding == null) {
                return OptionalLong.empty();
            }
            return holding.lanes.values().stream()
                    .mapToLong(lane -> lane.getFirst().appendedAtMs()) // a lane that has none is gone
                    .filter(at -> at > 0)
                    .min();
        } finally {
            lock.unlock();
        }
    }

    /** Lanes that have a message. */
    int count() {
        lock.lock();
        try {
            return running;
        } finally {
            lock.unlock();
        }
    }

    /** @return whether every lane ran empty, and what is off the log ended, in that time */
    boolean awaitIdle(Duration time) throws InterruptedException {
        lock.lock();
        try {
            long left = time.toNanos();
            while (running > 0 || detached > 0) {
                if (left <= 0) {
                    return false;
                }
                left = idle.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void run(Holding holding, String key) {
        LogMessage message = first(holding, key);
        while (message != null) {
            MessageHold hold = new MessageHold(holding, key, message);
            boolean finished = isFinished(message, hold);
            if (hold.isDetached) {
                hold.end();
                return; // the lane went on without it
            }
            message = next(holding, key, hold, finished);
        }
    }

    /** False: it was let go. */
    private boolean isFinished(LogMessage message, MessageHold holding) {
        for (int failures = 0; ; failures++) {
            try {
                if (work.handle(message, holding)) {
                    return true;
                }
            } catch (RuntimeException | Error e) {
                LOG.error("{}-{} at {} failed", message.topic(), message.partition(), message.offset(), e);
            }
            if (holding.isLetGo()) {
                return false;
            }
            pause(Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS << Math.min(failures, 10)));
        }
    }

    private static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            LOG.debug("nobody's interrupt: a lane ends when its partition is let go", e);
        }
    }

    private @Nullable LogMessage first(Holding holding, String key) {
        lock.lock();
        try {
            Deque<LogMessage> lane = holding.lanes.get(key);
            return lane == null ? null : lane.peekFirst();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the message and gives the lane's next; null: the lane is empty and gone. */
    private @Nullable LogMessage next(Holding holding, String key, MessageHold done, boolean finished) {
        lock.lock();
        try {
            listening.remove(done);
            intake.release(slice(done.message), done.message.value().length);
            if (finished) {
                holding.window.finish(done.message.offset());
            }
            return following(holding, key);
        } finally {
            lock.unlock();
        }
    }

    /** Takes the first from its lane, and the lane away if it was the last. */
    private @Nullable LogMessage following(Holding holding, String key) {
        Deque<LogMessage> lane = holding.lanes.get(key);
        if (lane != null) {
            lane.pollFirst();
            LogMessage following = lane.peekFirst();
            if (following != null) {
                return following;
            }
            holding.lanes.remove(key);
        }
        running--;
        idle.signalAll();
        return null;
    }

    private static Intake.Slice slice(LogMessage message) {
        return new Intake.Slice(message.topic(), message.partition());
    }
}
