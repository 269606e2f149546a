package io.agentserver.gateway.threads;

import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.problems.Unavailable;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * Runs event streams, each on its request's virtual thread: watches the buffer, writes what comes, and a comment where nothing
 * comes, which is how it learns that the client has gone. A buffer that goes away is watched again from where the stream is.
 */
public final class EventStreams {
    private static final Logger LOG = LoggerFactory.getLogger(EventStreams.class);
    private static final Duration KEEP_ALIVE = Duration.ofSeconds(15);
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);

    private final ThreadBuffer buffer;
    private final Duration keepAlive;
    private final CountDownLatch stopping = new CountDownLatch(1);

    public EventStreams(ThreadBuffer buffer) {
        this(buffer, KEEP_ALIVE);
    }

    /** @param keepAlive how long nothing may come before a comment is written; in whole seconds */
    public EventStreams(ThreadBuffer buffer, Duration keepAlive) {
        this.buffer = buffer;
        this.keepAlive = keepAlive;
    }

    /**
     * Returns when the stream is at its end, its caller may not have it any more, or the gateway stops.
     *
     * @param isAllowed asked every second
     * @throws IOException when the client has gone
     */
    void run(
            TenantId tenant,
            ThreadId conversation,
            @Nullable String turn,
            @Nullable Long lastEventId,
            BooleanSupplier isAllowed,
            OutputStream out)
            throws IOException, InterruptedException {
        EventStream stream = new EventStream(turn, lastEventId);
        while (!stopping.await(0, TimeUnit.MILLISECONDS) && isAllowed.getAsBoolean()) {
            BlockingClientCall<?, WatchEvent> call = buffer.watch(tenant, conversation, stream.lastSequence());
            try {
                if (follow(call, stream, tenant, conversation, turn, isAllowed, out)) {
                    return;
                }
            } catch (StatusException e) {
                LOG.warn("the watch of a conversation broke; watching again: {}", e.toString());
                buffer.brokeOff(e);
                write(out, EventStream.KEEP_ALIVE);
            } catch (Unavailable e) {
                LOG.warn("a conversation could not be read; watching again: {}", e.toString());
                write(out, EventStream.KEEP_ALIVE);
            } finally {
                end(call);
            }
            if (stopping.await(BETWEEN_TRIES.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        }
    }

    /** What had arrived and was not read holds memory outside the heap until somebody takes it. */
    private static void end(BlockingClientCall<?, WatchEvent> call) throws InterruptedException {
        call.cancel("the stream needs it no longer", null);
        try {
            WatchEvent event = call.read(POLL.toMillis(), TimeUnit.MILLISECONDS);
            while (event != null) {
                event = call.read(POLL.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (StatusException e) {
            LOG.trace("ended, as it was told", e);
        } catch (TimeoutException e) {
            LOG.debug("a cancelled watch did not end", e);
        }
    }

    /** Ends all streams; clients resume elsewhere with their {@code Last-Event-ID}. */
    void stop() {
        stopping.countDown();
    }

    /** True when the stream is at its end, or its caller's; false when the buffer ended the watch. */
    private boolean follow(
            BlockingClientCall<?, WatchEvent> call,
            EventStream stream,
            TenantId tenant,
            ThreadId conversation,
            @Nullable String turn,
            BooleanSupplier isAllowed,
            OutputStream out)
            throws IOException, InterruptedException, StatusException {
        long quiet = 0;
        long asked = System.nanoTime();
        while (stopping.getCount() > 0) {
            if (System.nanoTime() - asked >= POLL.toNanos()) {
                asked = System.nanoTime();
                if (!isAllowed.getAsBoolean()) {
                    return true;
                }
            }
            WatchEvent event;
            try {
                event = call.read(POLL.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                quiet += POLL.toMillis();
                if (quiet >= keepAlive.toMillis()) {
                    quiet = 0;
                    write(out, EventStream.KEEP_ALIVE);
                }
                continue;
            }
            if (event == null) {
                return false;
            }
            String text = stream.take(event);
            if (!text.isEmpty()) {
                quiet = 0;
                write(out, text);
            }
            if (turn != null && event.hasCaughtUp() && hasEnded(tenant, conversation, turn)) {
                stream.turnHasEnded();
            }
            if (stream.isDone()) {
                write(out, stream.done());
                return true;
            }
        }
        return true;
    }

    /** A client that resumes behind the end of its turn is told of it by no event. */
    private boolean hasEnded(TenantId tenant, ThreadId conversation, String turn) {
        return buffer.turn(tenant, conversation, turn)
                .filter(t -> t.getState() != TurnState.TURN_OPEN && t.getState() != TurnState.TURN_QUEUED)
                .isPresent();
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
