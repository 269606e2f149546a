package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.AwaitedReply;
import io.agentserver.buffer.v1.AwaitedRequest;
import io.agentserver.buffer.v1.MessageRef;
import io.agentserver.buffer.v1.Stop;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Stops handlers whose effect nobody waits for any more: the client has cancelled, the turn has ended, another pump was first.
 * The buffer tells of conversations in which that may be so; those that run for long are asked about from time to time as well,
 * for a word may be lost. Safe on any thread; asks on threads of its own.
 */
public final class RunningHandlers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunningHandlers.class);
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final int MOST_ASKED = 1_000;

    private final ThreadBuffer buffer;
    private final Map<String, Set<Running>> byConversation = new ConcurrentHashMap<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean closed;

    RunningHandlers(ThreadBuffer buffer) {
        this.buffer = buffer;
    }

    /** One run of a handler; its closing is its end. */
    final class Running implements AutoCloseable {
        private final MessageRef message;
        private final Runnable stop;
        private final long since = System.nanoTime();

        private Running(MessageRef message, Runnable stop) {
            this.message = message;
            this.stop = stop;
        }

        @Override
        public void close() {
            byConversation.computeIfPresent(key(message.getTenant(), message.getConversation()), (_, all) -> {
                all.remove(this);
                return all.isEmpty() ? null : all;
            });
        }
    }

    public RunningHandlers start() {
        threads.add(Thread.ofVirtual().name("stops").start(() -> repeat(() -> buffer.stops(this::told))));
        threads.add(Thread.ofVirtual().name("long-handlers").start(() -> repeat(this::askAboutLong)));
        return this;
    }

    @Override
    public void close() {
        closed = true;
        threads.forEach(Thread::interrupt);
    }

    /** @param stop is called, on another thread, if nobody waits for it any more */
    Running add(Step step, Runnable stop) {
        MessageRef message = MessageRef.newBuilder()
                .setTenant(step.tenant().value())
                .setConversation(step.conversation().toString())
                .setThread(step.thread().toString())
                .setMessage(step.id().toString())
                .build();
        Running running = new Running(message, stop);
        byConversation.compute(key(message.getTenant(), message.getConversation()), (_, others) -> {
            Set<Running> all = others == null ? ConcurrentHashMap.newKeySet() : others;
            all.add(running);
            return all;
        });
        return running;
    }

    /** A stream that has just begun may have missed what came before it. */
    private void told(Stop stop) {
        if (stop.getTenant().isEmpty()) {
            ask(byConversation.values().stream().flatMap(Set::stream).toList());
        } else {
            ask(List.copyOf(byConversation.getOrDefault(key(stop.getTenant(), stop.getConversation()), Set.of())));
        }
    }

    private void askAboutLong() {
        long now = System.nanoTime();
        ask(byConversation.values().stream()
                .flatMap(Set::stream)
                .filter(running -> now - running.since > LONG.toNanos())
                .toList());
        pause(LONG);
    }

    void ask(List<Running> all) {
        for (int from = 0; from < all.size(); from += MOST_ASKED) {
            List<Running> some = all.subList(from, Math.min(all.size(), from + MOST_ASKED));
            AwaitedReply reply = buffer.awaited(AwaitedRequest.newBuilder()
                    .addAllMessages(
                            some.stream().map(running -> running.message).toList())
                    .build());
            for (int i = 0; i < some.size() && i < reply.getAwaitedCount(); i++) {
                if (!reply.getAwaited(i)) {
                    some.get(i).stop.run();
                }
            }
        }
    }

    private void repeat(Runnable work) {
        while (!closed) {
            try {
                work.run();
            } catch (UnavailableException e) {
                LOG.debug("asking again: {}", e.getMessage());
                pause(PAUSE);
            } catch (RuntimeException e) {
                LOG.warn("nobody was asked which handlers still matter; trying again", e);
                pause(PAUSE);
            }
        }
    }

    private void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            closed = true; // nobody else interrupts it
        }
    }

    private static String key(String tenant, String conversation) {
        return tenant + "#" + conversation;
    }
}
