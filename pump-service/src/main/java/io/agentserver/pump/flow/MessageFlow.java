package io.agentserver.pump.flow;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Topics;
import io.agentserver.organism.Organism;
import io.agentserver.pump.flow.DeadLetters.Letter;
import io.agentserver.pump.flow.LogReader.Opened;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.FairGate;
import io.agentserver.service.trace.Traceparent;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * One message from the log to the log (CONTRACTS 3): verify → begin → handle → complete → produce. In: a record. Out: its
 * effect is journalled and its outputs are acknowledged by the log, or it is a dead letter, or nothing is to be done; only
 * then does {@link #handle} return, and the record's offset is finished. Blocks the lane's virtual thread for as long as that
 * takes. Every step repeats harmlessly: what it did is recognised by its id. What cannot be handled is completed all the same,
 * with a {@code SystemError} for its caller, so that its conversation goes on.
 */
public final class MessageFlow {
    private static final Logger LOG = LoggerFactory.getLogger(MessageFlow.class);
    private static final int MOST_ATTEMPTS = 5;

    private final LogReader reader;
    private final Organisms organisms;
    private final ThreadBuffer buffer;
    private final Work work;
    private final Parkings parkings;
    private final Emitter emitter;
    private final DeadLetters deadLetters;
    private final PumpMetrics metrics;
    private final Tracing tracing;
    private final Patience patience;
    private final HistoryRoom histories;
    private final FairGate<TenantId> gate;
    private final LongWaits waits = GatedHold.longWaits();
    private final Clock clock;

    MessageFlow(
            LogReader reader,
            Organisms organisms,
            ThreadBuffer buffer,
            Work work,
            Parkings parkings,
            Emitter emitter,
            DeadLetters deadLetters,
            PumpMetrics metrics,
            Tracing tracing,
            Patience patience,
            HistoryRoom histories,
            FairGate<TenantId> gate,
            Clock clock) {
        this.reader = reader;
        this.organisms = organisms;
        this.buffer = buffer;
        this.work = work;
        this.parkings = parkings;
        this.emitter = emitter;
        this.deadLetters = deadLetters;
        this.metrics = metrics;
        this.tracing = tracing;
        this.patience = patience;
        this.histories = histories;
        this.gate = gate;
        this.clock = clock;
    }

    /** @return whether the message is finished; false: it was let go, whoever holds it next goes on */
    public boolean handle(LogMessage message, Hold hold) {
        Optional<TenantId> tenant = Topics.tenantOfMessages(message.topic());
        if (tenant.isEmpty()) {
            throw new IllegalArgumentException("topic " + message.topic() + " is no tenant's messages");
        }
        gate.enter(tenant.get());
        try {
            return handleInside(message, new GatedHold(gate, waits, tenant.get(), hold));
        } finally {
            gate.leave();
        }
    }

    private boolean handleInside(LogMessage message, Hold hold) {
        boolean[] finished = {false};
        tracing.inMessage(message.topic(), message.partition(), message.offset(), message.traceparent(), () -> {
            try {
                switch (opened(message, hold)) {
                    case Opened.Trusted trusted -> logged(message, trusted, hold);
                    case Opened.Untrusted(String reason) -> refuse(message, reason, hold);
                }
                finished[0] = true;
            } catch (Patience.LetGo e) {
                LOG.debug("let go of {}-{} at {}", message.topic(), message.partition(), message.offset());
            } finally {
                MDC.clear();
            }
        });
        return finished[0];
    }

    private Opened opened(LogMessage message, Hold hold) {
        try {
            return patience.until(hold, () -> reader.open(message));
        } catch (Patience.LetGo e) {
            throw e;
        } catch (RuntimeException | StackOverflowError e) {
            LOG.error("a record cannot be read", e);
            return new Opened.Untrusted("the pump failed: " + e);
        }
    }

    private void refuse(LogMessage message, String reason, Hold hold) {
        metrics.unverifiable();
        TenantId tenant = Topics.tenantOfMessages(message.topic()).orElseThrow();
        deadLetters.add(tenant, message, "not verifiable: " + reason, hold);
    }

    private void logged(LogMessage message, Opened.Trusted trusted, Hold hold) {
        Meta meta = trusted.envelope().meta();
        MDC.put("tenant", trusted.tenant().value());
        MDC.put("conversation", meta.conversationOrThread().toString());
        MDC.put("thread", meta.requiredThread().toString());
        MDC.put("message", meta.requiredId().toString());
        tracing.identify();
        Instant started = clock.instant();
        Throwable failure = failureOf(message, trusted, new Handling(true, step -> work.complete(step, hold)), hold);
        if (failure == null) {
            return;
        }
        Letter why = new Letter("the pump failed: " + failure, MOST_ATTEMPTS, started);
        Throwable again = failureOf(message, trusted, new Handling(false, step -> Work.givenUp(step, why)), hold);
        if (again != null) {
            LOG.error("what could not be handled could not be completed either; its turn may stay open", again);
            String reason = why.reason() + "; not completed: " + again;
            deadLetters.add(trusted.tenant(), message, new Letter(reason, why.attempts(), started), hold);
        }
    }

    /**
     * What is done with a message that may run.
     *
     * @param readsHistory whether it needs the thread's history
     */
    private record Handling(boolean readsHistory, Function<Step, Handled> work) {}

    /** Null: the message is finished; else why it is not, after some attempts. One message must not stop its lane for ever. */
    private @Nullable Throwable failureOf(LogMessage message, Opened.Trusted trusted, Handling handling, Hold hold) {
        for (int attempt = 1; ; ) {
            try {
                while (!isFinished(message, trusted, handling, hold)) {
                    LOG.debug("the conversation has changed meanwhile: beginning again");
                }
                return null;
            } catch (Patience.LetGo e) {
                throw e;
            } catch (UnavailableException e) {
                LOG.warn("waiting: {}", e.getMessage());
            } catch (RuntimeException | StackOverflowError e) {
                LOG.error("attempt {} of {} at this message failed", attempt, MOST_ATTEMPTS, e);
                if (attempt == MOST_ATTEMPTS || e instanceof ThreadBuffer.Failed) {
                    return e;
                }
                attempt++;
            }
            patience.pause(Patience.backoff(attempt, Duration.ofMillis(200), Duration.ofSeconds(5)), hold);
        }
    }

    /** False: begin again. */
    private boolean isFinished(LogMessage message, Opened.Trusted trusted, Handling handling, Hold hold) {
        long version = trusted.envelope().meta().isClients()
                ? patience.until(hold, () -> organisms.currentVersion(trusted.tenant()))
                : trusted.version();
        return isFinished(message, trusted, version, handling, hold);
    }

    private boolean isFinished(LogMessage message, Opened.Trusted trusted, long version, Handling handling, Hold hold) {
        for (long asked = version; ; ) {
            long wanted = asked;
            Organism organism = patience.until(hold, () -> organisms.at(trusted.tenant(), wanted));
            Target target = Target.of(organism, trusted.envelope());
            long most = handling.readsHistory() ? target.historyBytes() : 0;
            try (HistoryRoom.Taken room = histories.take(trusted.tenant(), most, hold)) {
                BeginReply begun = begun(message, trusted, target, asked, handling, hold);
                room.settle(begun.getHistoryList().stream()
                        .mapToLong(Slot::getSerializedSize)
                        .sum());
                if (begun.getVerdict() != Verdict.RUN || begun.getOrganismVersion() == asked) {
                    return isFinished(
                            message,
                            new Step(trusted.tenant(), trusted.envelope(), organism, target, begun),
                            handling,
                            hold);
                }
                // a turn stays with the version that it began with, and so does the history that it is asked with
                asked = begun.getOrganismVersion();
            }
        }
    }

    private boolean isFinished(LogMessage message, Step step, Handling handling, Hold hold) {
        TenantId tenant = step.tenant();
        BeginReply begun = step.begun();
        return switch (begun.getVerdict()) {
            case RUN -> isCompleted(step, message, handling, hold);
            case DONE, ABSORBED -> {
                if (begun.hasLetter()) { // its pump may have died before it had written it
                    deadLetters.add(tenant, message, Letter.of(begun.getLetter()), hold);
                }
                emitter.emit(tenant, begun.getEmissionsList(), List.of(), hold);
                yield true;
            }
            case QUEUED_BEHIND_TURN, QUEUED_IN_MAILBOX -> true;
            case DEAD -> {
                LOG.debug("dropped: {}", begun.getReason());
                yield true;
            }
            case MISMATCH -> {
                deadLetters.add(tenant, message, "idempotency-mismatch: " + begun.getReason(), hold);
                yield true;
            }
            case EXPIRED -> {
                deadLetters.add(tenant, message, "expired: " + begun.getReason(), hold);
                yield true;
            }
            case REFUSED -> {
                deadLetters.add(tenant, message, "refused: " + begun.getReason(), hold);
                yield true;
            }
            case VERDICT_UNSPECIFIED, UNRECOGNIZED ->
                throw new UnavailableException(
                        "the buffer is newer than this pump: verdict " + begun.getVerdictValue());
        };
    }

    /** With less history than its handler wants, down to none, where a call does not carry all. */
    private BeginReply begun(
            LogMessage message, Opened.Trusted trusted, Target target, long version, Handling handling, Hold hold) {
        int slots = handling.readsHistory() ? target.historySlots() : 0;
        while (true) {
            BeginRequest.Builder asked = request(trusted.tenant(), trusted.envelope(), target, version)
                    .setHistorySlots(slots)
                    .setHistoryBytes(target.historyBytes())
                    .setHistoryTokens(target.historyTokens())
                    .setAppendedAtMs(message.appendedAtMs());
            Traceparent.valid(message.traceparent()).ifPresent(asked::setTrace);
            BeginRequest request = asked.build();
            try {
                return patience.until(hold, () -> buffer.begin(request));
            } catch (ThreadBuffer.TooLarge e) {
                if (slots == 0) {
                    throw e;
                }
                LOG.warn("{} slots of history are too much for a call; fewer are read: {}", slots, e.getMessage());
                slots /= 8;
            }
        }
    }

    private boolean isCompleted(Step step, LogMessage message, Handling handling, Hold hold) {
        Handled handled;
        try {
            handled = handling.work().apply(step);
        } catch (StepChanged e) {
            return false;
        }
        return switch (handled) {
            case Completion completion -> isCompleted(step, completion, message, hold);
            case Asleep(Parking parking) -> parkings.isParked(step, parking, hold);
        };
    }

    private boolean isCompleted(Step step, Completion completion, LogMessage message, Hold hold) {
        try {
            return isJournalled(step, completion, message, hold);
        } catch (ThreadBuffer.Refused | ThreadBuffer.TooLarge e) {
            Letter why = new Letter(String.valueOf(e.getMessage()), 1, clock.instant());
            return isJournalled(step, Work.refused(step, completion.spent(), why), message, hold);
        }
    }

    /** False: begin again. */
    private boolean isJournalled(Step step, Completion completion, LogMessage message, Hold hold) {
        String trace = tracing.traceparent().orElse("");
        CompleteReply reply = patience.until(hold, () -> buffer.complete(completion.toProto(step, trace)));
        return switch (reply.getOutcome()) {
            case ACCEPTED, REPEATED, OUTPUTS_DROPPED -> {
                if (reply.hasLetter()) {
                    deadLetters.add(step.tenant(), message, Letter.of(reply.getLetter()), hold);
                } else if (completion.letter() != null && reply.getOutcome() == Outcome.ACCEPTED) {
                    deadLetters.add(step.tenant(), message, completion.letter(), hold); // an older buffer keeps none
                }
                emitter.emit(step.tenant(), reply.getEmissionsList(), completion.outputs(), hold);
                yield true;
            }
            case BEGIN_AGAIN -> false;
            case OUTCOME_UNSPECIFIED, UNRECOGNIZED ->
                throw new UnavailableException(
                        "the buffer is newer than this pump: outcome " + reply.getOutcomeValue());
        };
    }

    private static BeginRequest.Builder request(TenantId tenant, Envelope envelope, Target target, long version) {
        Meta meta = envelope.meta();
        boolean client = meta.isClients();
        BeginRequest.Builder request = BeginRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(meta.conversationOrThread().toString())
                .setThread(meta.requiredThread().toString())
                .setMessage(meta.requiredId().toString())
                .setFrom(meta.from())
                .setTo(target.name())
                .setRoot(envelope.root().name())
                .setEnvelope(client ? envelope.xml() : envelope.signedForm())
                .setDigest(ByteString.copyFrom(envelope.digest()))
                .setClient(client)
                .setOrganismVersion(version)
                .setTakesAnswers(true)
                .setJoin(target.join());
        if (!client) {
            request.setTurn(meta.turnOrId().toString()).setCause(String.valueOf(meta.cause()));
        }
        return request;
    }
}
