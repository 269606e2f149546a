package io.agentserver.gateway.admission;

import io.agentserver.envelope.BatchReading;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.ThreadId;
import io.agentserver.envelope.XmlLimits;
import io.agentserver.gateway.http.JsonBody;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.PayloadJson;
import io.agentserver.organism.PayloadType;
import io.agentserver.organism.Written;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Reads bodies of {@code POST /v1/messages}: an envelope as XML, or its parts as JSON. Fetches nothing; safe on any thread. */
final class Submissions {
    private static final Set<String> MEMBERS = Set.of("to", "from", "thread_id", "id", "payload");
    private static final String DEFAULT_FROM = "client";

    private final XmlLimits limits;

    Submissions(XmlLimits limits) {
        this.limits = limits;
    }

    Submission readXml(byte[] body) {
        return read(EnvelopeDocument.read(body, limits), "/message", "/message/meta/");
    }

    /**
     * Each message of a batch, in order; pointers count from the message.
     *
     * @throws io.agentserver.gateway.problems.Refusal for what is no batch
     */
    List<Submission> readBatch(byte[] body) {
        return switch (BatchReading.of(body, limits)) {
            case BatchReading.Read(List<Reading> messages) ->
                messages.stream()
                        .map(message -> read(message, "/message", "/message/meta/"))
                        .toList();
            case BatchReading.Malformed(String reason) ->
                throw Problem.of(ProblemType.MALFORMED_XML, reason).refusal();
            case BatchReading.Invalid(String pointer, String reason) ->
                throw Problem.at(ProblemType.INVALID_ENVELOPE, pointer, reason).refusal();
        };
    }

    /**
     * @param organism the caller's: its schemas give the order of elements and the namespaces; null: it has none
     * @throws io.agentserver.gateway.problems.Refusal for what is wrong with the JSON around the payload
     */
    Submission readJson(byte[] body, @Nullable Organism organism) {
        JsonBody json = JsonBody.of(body, MEMBERS);
        String to = json.text("to").map(name -> name("to", name)).orElse(null);
        Meta meta = new Meta(
                name("from", json.text("from").orElse(DEFAULT_FROM)),
                to,
                json.text("thread_id")
                        .map(id -> id("thread_id", id, ThreadId::parse))
                        .orElse(null),
                json.text("id").map(id -> id("id", id, MessageId::parse)).orElse(null),
                null,
                null,
                null,
                null);
        JsonNode payload = json.member("payload").orElseThrow(() -> JsonBody.invalid("payload", "is missing"));
        if (payload.isString()) {
            return read(EnvelopeDocument.make(meta, payload.asString()), "/payload", "/");
        }
        return switch (PayloadJson.toXml(payload, type(payload, to, organism).orElse(null))) {
            case Written.Xml(String xml) -> read(EnvelopeDocument.make(meta, xml), "/payload", "/");
            case Written.Refused(String pointer, String reason) ->
                new Submission.Unreadable(Problem.at(ProblemType.INVALID_PAYLOAD, "/payload" + pointer, reason));
        };
    }

    /** The type of the listener that the message goes to: {@code to}'s, else that of the payload's only member. */
    private static Optional<PayloadType> type(JsonNode payload, @Nullable String to, @Nullable Organism organism) {
        if (organism == null || !payload.isObject() || payload.size() != 1) {
            return Optional.empty();
        }
        String root = payload.propertyNames().iterator().next();
        return organism.listeners().stream()
                .filter(listener -> to == null || listener.name().equals(to))
                .map(Listener::payload)
                .filter(type -> type.root().equals(root))
                .findFirst();
    }

    private Submission read(Reading reading, String pointerBase, String metaBase) {
        return switch (reading) {
            case Reading.Read(EnvelopeDocument document) -> new Submission.Read(document, pointerBase, metaBase);
            case Reading.Malformed(String reason) ->
                new Submission.Unreadable(Problem.of(ProblemType.MALFORMED_XML, reason));
            case Reading.Invalid(String pointer, String reason) ->
                new Submission.Unreadable(Problem.at(ProblemType.INVALID_ENVELOPE, pointer, reason));
            case Reading.TooLarge(int limit) -> new Submission.Unreadable(Problem.tooLarge(limit));
        };
    }

    private static String name(String member, String text) {
        if (!EnvelopeNames.isName(text)) {
            throw Problem.at(
                            ProblemType.INVALID_ENVELOPE,
                            "/" + member,
                            member + ": must be a name [A-Za-z][A-Za-z0-9._-]{0,127}")
                    .refusal();
        }
        return text;
    }

    private static <T> T id(String member, String text, Function<String, T> parse) {
        try {
            return parse.apply(text);
        } catch (IllegalArgumentException e) {
            throw Problem.at(ProblemType.INVALID_ENVELOPE, "/" + member, member + ": must be a UUID")
                    .refusal();
        }
    }
}
