package io.agentserver.gateway.admission;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.envelope.XmlLimits;
import io.agentserver.gateway.admission.Admittance.Admitted;
import io.agentserver.gateway.admission.Admittance.Declined;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Payer;
import io.agentserver.gateway.credit.CreditLook;
import io.agentserver.gateway.limits.RateLimits;
import io.agentserver.gateway.log.Appended;
import io.agentserver.gateway.log.KafkaMessageLog;
import io.agentserver.gateway.organism.Organisms;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.Route;
import io.agentserver.service.FairGate;
import io.agentserver.service.metrics.TenantCounters;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The way of a client's message onto the log: read → whose is it → verify, or fill in ids and sign → rules → seen before? →
 * route and payload → credit → append. In: a body and its caller. Out: admitted once the log has acknowledged, or why not. Blocks on
 * the request's virtual thread; safe on any number of them. Admitting the same message again makes no second one. However much
 * one tenant sends, another's next message is read as if few were before it.
 */
public final class Admission {
    private static final Logger LOG = LoggerFactory.getLogger(Admission.class);

    private final Submissions submissions;
    private final XmlLimits limits;
    private final TenantDirectory directory;
    private final Organisms organisms;
    private final EnvelopeToken token;
    private final SigningKey platformKey;
    private final Repeats repeats;
    private final KafkaMessageLog log;
    private final CreditLook credit;
    private final RateLimits rates;
    private final FairGate<Payer> gate;
    private final TenantCounters counters;

    /** @param gate what needs the processor alone goes through it: reading, signing, checking */
    public Admission(
            XmlLimits limits,
            TenantDirectory directory,
            Organisms organisms,
            EnvelopeToken token,
            SigningKey platformKey,
            ThreadBuffer buffer,
            KafkaMessageLog log,
            CreditLook credit,
            RateLimits rates,
            FairGate<Payer> gate,
            TenantCounters counters) {
        this.submissions = new Submissions(limits);
        this.limits = limits;
        this.directory = directory;
        this.organisms = organisms;
        this.token = token;
        this.platformKey = platformKey;
        this.repeats = new Repeats(buffer);
        this.log = log;
        this.credit = credit;
        this.rates = rates;
        this.gate = gate;
        this.counters = counters;
    }

    /**
     * One envelope.
     *
     * @param caller null: none with an API key, so the envelope must be signed
     * @param idempotencyKey null: none was sent
     */
    public Admittance admitXml(@Nullable Caller caller, byte[] body, @Nullable String idempotencyKey) {
        return admit(caller, gate.inside(payer(caller, body), () -> submissions.readXml(body)), idempotencyKey);
    }

    /**
     * The messages of a {@code <batch>}, one by one or why it is none; each is to be {@link #admit}ted.
     *
     * @throws io.agentserver.gateway.problems.Refusal for what is no batch
     */
    List<Submission> readBatch(@Nullable Caller caller, byte[] body) {
        return gate.inside(payer(caller, body), () -> submissions.readBatch(body));
    }

    /** One envelope that was read. */
    Admittance admit(@Nullable Caller caller, Submission submission, @Nullable String idempotencyKey) {
        return switch (submission) {
            case Submission.Read read when read.document().meta().jwt() != null -> admitSigned(caller, read);
            case Submission.Read read -> admitUnsigned(caller, read, idempotencyKey);
            case Submission.Unreadable(Problem problem) ->
                // who sends no key must have signed, and an envelope that breaks the form is signed by nobody
                new Declined(
                        caller == null && problem.type() == ProblemType.INVALID_ENVELOPE
                                ? Problem.invalidSignature()
                                : problem);
        };
    }

    /**
     * The parts of an envelope, as JSON.
     *
     * @throws io.agentserver.gateway.problems.Refusal for what is no such JSON
     */
    public Admittance admitJson(Caller caller, byte[] body, @Nullable String idempotencyKey) {
        Organism organism = organisms.current(caller.tenant()).orElse(null);
        return switch (gate.inside(payer(caller), () -> submissions.readJson(body, organism))) {
            case Submission.Read read -> admitUnsigned(caller, read, idempotencyKey);
            case Submission.Unreadable(Problem problem) -> new Declined(problem);
        };
    }

    /**
     * A client's message that was admitted once and became a dead letter, as a new one with the same content (CONTRACTS 4): it
     * is signed by the platform, and has to fit the organism as it is now. Its id follows from the dead one's, so that the
     * second time is a repeat.
     *
     * @throws IllegalArgumentException if that was never admitted
     */
    public Admittance readmit(TenantEntry entry, Envelope dead) {
        return switch (EnvelopeDocument.read(dead.bytes(), XmlLimits.CANONICAL)) {
            case Reading.Read(EnvelopeDocument document) -> {
                document.reissue(dead.meta().requiredId().redriven());
                Submission.Read read = new Submission.Read(document, "/message", "/message/meta/");
                yield admit(entry, read, token.signForClient(document, entry.tenantId(), platformKey), true);
            }
            case Reading.Malformed _, Reading.Invalid _, Reading.TooLarge _ ->
                throw new IllegalArgumentException("no envelope that was on the log");
        };
    }

    private Admittance admitSigned(@Nullable Caller caller, Submission.Read read) {
        EnvelopeToken.Verification verification = gate.inside(
                caller == null ? Payer.signer(read.document().meta(), this::isTenant) : payer(caller),
                () -> token.verifyAtAdmission(
                        read.document(),
                        // the platform's own signature is for what it has admitted: it admits nothing
                        (issuer, kid) -> TenantId.isValid(issuer)
                                ? directory.signingKey(new TenantId(issuer), kid, false)
                                : Optional.empty()));
        return switch (verification) {
            case EnvelopeToken.Verification.Refused(String reason) -> {
                LOG.info("a signed envelope was refused: {}", reason);
                yield new Declined(Problem.invalidSignature());
            }
            case EnvelopeToken.Verification.Verified(TenantId tenant, long version) -> {
                if (caller != null && !caller.tenantId().equals(tenant)) {
                    yield new Declined(Problem.of(
                            ProblemType.FORBIDDEN, "the API key and the signature are not the same tenant's"));
                }
                TenantEntry entry = directory.find(tenant).orElse(null);
                if (entry == null) {
                    yield new Declined(Problem.invalidSignature());
                }
                Problem tooMany = caller == null ? rates.take(entry, null, 1) : null; // a caller's request is counted
                yield tooMany == null ? admit(entry, read, read.document().toEnvelope(), true) : new Declined(tooMany);
            }
        };
    }

    private Admittance admitUnsigned(@Nullable Caller caller, Submission.Read read, @Nullable String idempotencyKey) {
        if (caller == null) {
            return new Declined(Problem.unauthenticated());
        }
        EnvelopeDocument document = read.document();
        TenantId tenant = caller.tenantId();
        boolean repeatable = document.meta().id() != null || idempotencyKey != null;
        MessageId id = document.meta().id();
        if (id == null) {
            id = idempotencyKey == null ? MessageId.create() : MessageId.ofIdempotencyKey(tenant, idempotencyKey);
        }
        document.fill(ThreadId.ofFirstMessage(tenant, id), id);
        boolean keyed = idempotencyKey != null && id.equals(MessageId.ofIdempotencyKey(tenant, idempotencyKey));
        if (keyed && repeats.isElsewhere(tenant, document.meta().requiredThread(), id)) {
            return new Declined(Problem.of(
                    ProblemType.IDEMPOTENCY_MISMATCH,
                    "the Idempotency-Key was sent with a message of another thread; use a new one"));
        }
        if (!document.meta().isClients()) {
            return new Declined(insideOnly(document.meta(), read)); // it could not even be signed as a client's
        }
        Envelope signed = gate.inside(payer(caller), () -> token.signForClient(document, tenant, platformKey));
        return admit(caller.tenant(), read, signed, repeatable);
    }

    /** @param repeatable the client chose the id, and may have sent it before */
    private Admittance admit(TenantEntry entry, Submission.Read read, Envelope envelope, boolean repeatable) {
        TenantId tenant = entry.tenantId();
        Meta meta = envelope.meta();
        Admitted admitted = new Admitted(entry, meta.requiredThread(), meta.requiredId());
        MDC.put("tenant", entry.id());
        MDC.put("conversation", admitted.thread().toString());
        MDC.put("thread", admitted.thread().toString());
        MDC.put("message", admitted.message().toString());
        Organism organism = organisms.current(entry).orElse(null);
        Problem problem = breachOf(envelope, organism, read);
        if (problem != null) {
            return new Declined(problem);
        }
        Repeats.Mark mark = Repeats.Mark.of(tenant, envelope);
        if (repeatable) {
            switch (repeats.find(mark)) {
                case SAME -> {
                    return admitted;
                }
                case OTHER_CONTENT -> {
                    return otherContent(admitted);
                }
                case NEW -> {
                    // on with it
                }
            }
        }
        problem = organism == null
                ? Problem.of(ProblemType.UNKNOWN_LISTENER, "the tenant has no organism yet: PUT /v1/organism")
                : gate.inside(Payer.of(tenant), () -> misfit(organism, envelope, read.pointerBase()));
        if (problem != null) {
            return new Declined(problem);
        }
        if (credit.isExhausted(tenant)) {
            return new Declined(Problem.of(
                    ProblemType.CREDIT_EXHAUSTED, "the tenant's credit is used up: top it up and send again"));
        }
        return !repeatable || repeats.reserve(mark) ? append(tenant, envelope, mark, admitted) : otherContent(admitted);
    }

    private static Declined otherContent(Admitted admitted) {
        return new Declined(Problem.of(
                ProblemType.IDEMPOTENCY_MISMATCH,
                "the id " + admitted.message() + " was sent with another content; use a new one"));
    }

    private Payer payer(@Nullable Caller caller, byte[] body) {
        return caller == null ? Payer.claimedBy(body, this::isTenant) : payer(caller);
    }

    private boolean isTenant(TenantId tenant) {
        return directory.find(tenant).isPresent();
    }

    private static Payer payer(Caller caller) {
        return Payer.of(caller.tenantId());
    }

    /** The rules for what a client may put around its payload. */
    private @Nullable Problem breachOf(Envelope envelope, @Nullable Organism organism, Submission.Read read) {
        Meta meta = envelope.meta();
        if (!meta.isClients()) {
            return insideOnly(meta, read);
        }
        if (EnvelopeNames.RESERVED.contains(meta.from())
                || organism != null && organism.listener(meta.from()).isPresent()) {
            return Problem.at(
                    ProblemType.INVALID_ENVELOPE,
                    read.metaBase() + "from",
                    "from: " + meta.from() + " is a listener's name or the platform's own; choose another");
        }
        // signing and canonical form can make it longer than what was sent
        long most = 4L * limits.bytes();
        return envelope.xml().length() > most ? Problem.tooLarge(most) : null;
    }

    private static Problem insideOnly(Meta meta, Submission.Read read) {
        String name = meta.conversation() != null ? "conversation" : meta.turn() != null ? "turn" : "cause";
        return Problem.at(
                ProblemType.INVALID_ENVELOPE,
                read.metaBase() + name,
                "<" + name + "> is the platform's own; a client may send <id> and <jwt> alone");
    }

    /** Why no listener takes it; null if one does. */
    private static @Nullable Problem misfit(Organism organism, Envelope envelope, String pointerBase) {
        return switch (organism.route(
                envelope.meta().to(), envelope.root().name(), envelope.root().namespace())) {
            case Route.None(String reason) -> Problem.of(ProblemType.UNKNOWN_LISTENER, reason);
            case Route.One(Listener listener) -> misfit(List.of(listener), envelope, pointerBase);
            case Route.Broadcast(var listeners) -> misfit(listeners, envelope, pointerBase);
        };
    }

    private static @Nullable Problem misfit(List<Listener> listeners, Envelope envelope, String pointerBase) {
        for (Listener listener : listeners) {
            List<Map<String, Object>> errors = listener.payload().validate(envelope.payload()).stream()
                    .map(p -> Map.<String, Object>of("pointer", pointerBase + p.pointer(), "reason", p.reason()))
                    .toList();
            if (!errors.isEmpty()) {
                Object pointer = errors.getFirst().get("pointer");
                return new Problem(
                        ProblemType.INVALID_PAYLOAD,
                        "the payload does not fit listener " + listener.name() + ": " + pointer + " "
                                + errors.getFirst().get("reason"),
                        String.valueOf(pointer),
                        errors,
                        Map.of());
            }
        }
        return null;
    }

    private Admittance append(TenantId tenant, Envelope envelope, Repeats.Mark mark, Admitted admitted) {
        return switch (log.append(tenant, envelope)) {
            case Appended.Acknowledged() -> {
                repeats.remember(mark);
                counters.add(tenant, "agentserver.messages.accepted", "clients' messages that the log has taken", 1);
                LOG.debug("accepted");
                yield admitted;
            }
            // signing and canonical form have made it too long for the topic
            case Appended.TooLarge() -> {
                repeats.release(mark);
                yield new Declined(Problem.tooLarge(limits.bytes()));
            }
            case Appended.Unknown() ->
                new Declined(new Problem(
                        ProblemType.UNAVAILABLE,
                        "the log did not acknowledge; a repeat with this id is safe",
                        null,
                        List.of(),
                        Map.of(
                                "message_id",
                                admitted.message().toString(),
                                "thread_id",
                                admitted.thread().toString())));
        };
    }
}
