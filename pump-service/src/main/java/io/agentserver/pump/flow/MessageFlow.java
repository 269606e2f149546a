package io.agentserver.pump.flow;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Topics;
import io.agentserver.organism.Organism;
import io.agentserver.pump.flow.LogReader.Opened;
import io.agentserver.pump.trace.Tracing;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * One message from the log to the log (CONTRACTS 3): verify → begin → handle → complete → produce. In: a record. Out: its
 * effect is journalled and its outputs are acknowledged by the log, or it is a dead letter, or nothing is to be done; only
 * then does {@link #handle} return, and the record's offset is finished. Blocks the lane's virtual thread for as long as that
 * takes. Every step repeats harmlessly: what it did is recognised by its id.
 */
public final class MessageFlow {
    private static final Logger LOG = LoggerFactory.getLogger(MessageFlow.class);
    private static final int MOST_ATTEMPTS = 5;

    private final LogReader reader;
    private final Organisms organisms;
    private final ThreadBuffer buffer;
    private final Work work;
    private final Emitter emitter;
    private final DeadLetters deadLetters;
    private final PumpMetrics metrics;
    private final Tracing tracing;
    private final Clock clock;

    MessageFlow(
            LogReader reader,
            Organisms organisms,
            ThreadBuffer buffer,
            Work work,
            Emitter emitter,
            DeadLetters deadLetters,
            PumpMetrics metrics,
            Tracing tracing,
            Clock clock) {
        this.reader = reader;
        this.organisms = organisms;
        this.buffer = buffer;
        this.work = work;
        this.emitter = emitter;
        this.deadLetters = deadLetters;
        this.metrics = metrics;
        this.tracing = tracing;
        this.clock = clock;
    }

    /** @return whether the message is finished; false: it was let go, whoever holds it next goes on */
    public boolean handle(LogMessage message, Hold hold) {
        boolean[] finished = {false};
        tracing.inSpan("message", message.traceparent(), () -> {
            try {
                switch (reader.open(message)) {
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
        Instant started = clock.instant();
        for (int attempt = 1; ; attempt++) {
            try {
                while (!isFinished(message, trusted, hold)) {
                    LOG.debug("the conversation has changed meanwhile: beginning again");
                }
                return;
            } catch (Patience.LetGo e) {
                throw e;
            } catch (RuntimeException e) {
                // a defect, here or in what answered: one message must not stop its lane for ever
                LOG.error("attempt {} of {} at this message failed", attempt, MOST_ATTEMPTS, e);
                if (attempt == MOST_ATTEMPTS) {
                    deadLetters.add(trusted.tenant(), message, "the pump failed: " + e, attempt, started, hold);
                    return;
                }
                Patience.sleep(Patience.backoff(attempt, Duration.ofMillis(200), Duration.ofSeconds(5)), hold);
            }
        }
    }

    /** False: begin again. */
    private boolean isFinished(LogMessage message, Opened.Trusted trusted, Hold hold) {
        TenantId tenant = trusted.tenant();
        Envelope envelope = trusted.envelope();
        boolean client = envelope.meta().isClients();
        long version = client ? Patience.until(hold, () -> organisms.currentVersion(tenant)) : trusted.version();
        Organism organism = Patience.until(hold, () -> organisms.at(tenant, version));
        Target target = Target.of(organism, envelope);
        BeginReply begun = Patience.until(hold, () -> buffer.begin(request(tenant, envelope, target, version)));
        return switch (begun.getVerdict()) {
            case RUN -> {
                // a turn stays with the version that it began with
                long bound = begun.getOrganismVersion();
                Organism turns = bound == version ? organism : Patience.until(hold, () -> organisms.at(tenant, bound));
                Target turnsTarget = bound == version ? target : Target.of(turns, envelope);
                yield isCompleted(new Step(tenant, envelope, turns, turnsTarget, begun), message, hold);
            }
            case DONE -> {
                emitter.emit(tenant, begun.getEmissionsList(), List.of(), hold);
                yield true;
            }
            case QUEUED_BEHIND_TURN, ABSORBED -> true;
            case DEAD -> {
                LOG.debug("dropped: {}", begun.getReason());
                yield true;
            }
            case MISMATCH -> {
                deadLetters.add(tenant, message, "idempotency-mismatch: " + begun.getReason(), hold);
                yield true;
            }
            case VERDICT_UNSPECIFIED, UNRECOGNIZED ->
                throw new IllegalStateException(
                        "the buffer is newer than this pump: verdict " + begun.getVerdictValue());
        };
    }

    private boolean isCompleted(Step step, LogMessage message, Hold hold) {
        Completion completion = work.complete(step, message, hold);
        CompleteReply reply;
        try {
            reply = Patience.until(hold, () -> buffer.complete(completion.toProto(step)));
        } catch (ThreadBuffer.Refused e) {
            deadLetters.add(step.tenant(), message, String.valueOf(e.getMessage()), hold);
            Completion error = Work.refused(step, completion.spent());
            reply = Patience.until(hold, () -> buffer.complete(error.toProto(step)));
        }
        return switch (reply.getOutcome()) {
            case ACCEPTED, REPEATED, OUTPUTS_DROPPED -> {
                emitter.emit(step.tenant(), reply.getEmissionsList(), completion.outputs(), hold);
                yield true;
            }
            case BEGIN_AGAIN -> false;
            case OUTCOME_UNSPECIFIED, UNRECOGNIZED ->
                throw new IllegalStateException(
                        "the buffer is newer than this pump: outcome " + reply.getOutcomeValue());
        };
    }

    private static BeginRequest request(TenantId tenant, Envelope envelope, Target target, long version) {
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
                .setJoin(target.join())
                .setHistorySlots(target.historySlots());
        if (!client) {
            request.setTurn(meta.turnOrId().toString()).setCause(String.valueOf(meta.cause()));
        }
        return request.build();
    }
}
