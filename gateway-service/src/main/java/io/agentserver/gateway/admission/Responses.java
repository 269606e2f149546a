package io.agentserver.gateway.admission;

import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.gateway.admission.Admittance.Admitted;
import io.agentserver.gateway.http.Format;
import io.agentserver.gateway.http.Json;
import io.agentserver.gateway.organism.Organisms;
import io.agentserver.gateway.problems.Refusal;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.gateway.threads.ThreadJson;
import io.agentserver.organism.Listener;
import io.agentserver.organism.PayloadJson;
import io.agentserver.organism.PayloadType;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Map;

/**
 * Waits for the response of an admitted message's turn, on the request's virtual thread. A buffer that is away is no failure of
 * the message, which the log has: then the response is not here yet.
 */
public final class Responses {
    private static final Logger LOG = LoggerFactory.getLogger(Responses.class);

    private final ThreadBuffer buffer;
    private final Organisms organisms;

    public Responses(ThreadBuffer buffer, Organisms organisms) {
        this.buffer = buffer;
        this.organisms = organisms;
    }

    /** What came of waiting. */
    sealed interface Response {
        /** The turn's response; a {@code SystemError} if it failed. */
        record Came(Format format, String body) implements Response {}

        /** The turn has ended without one. */
        record None() implements Response {}

        record NotYet() implements Response {}
    }

    Response await(Admitted admitted, Duration wait, Format format) {
        AwaitTurnReply reply;
        try {
            reply = buffer.awaitTurn(admitted.tenant().tenantId(), admitted.thread(), admitted.message(), wait);
        } catch (Unavailable e) {
            LOG.warn("accepted, but its response cannot be waited for: {}", e.toString());
            return new Response.NotYet();
        } catch (IllegalStateException
                | Refusal e) { // the buffer is there and cannot: no reason to call the message refused
            LOG.error("accepted, but waiting for its response failed", e);
            return new Response.NotYet();
        }
        if (!reply.getEnded()) {
            return new Response.NotYet();
        }
        if (!reply.hasResponse()) {
            return new Response.None();
        }
        Slot slot = reply.getResponse();
        return switch (format) {
            case XML -> new Response.Came(Format.XML, slot.getEnvelope());
            case JSON -> new Response.Came(Format.JSON, json(admitted, slot));
        };
    }

    private String json(Admitted admitted, Slot slot) {
        Map<String, Object> json = ThreadJson.slot(slot);
        String payload = EnvelopeDocument.readOwn(slot.getEnvelope()).payload();
        json.put("payload", PayloadJson.toJson(payload, declared(admitted, slot.getFrom())));
        return Json.text(json);
    }

    /** What the sender has declared to answer with; only its repeated fields matter here. */
    private @Nullable PayloadType declared(Admitted admitted, String from) {
        return organisms
                .current(admitted.tenant())
                .flatMap(organism -> organism.listener(from))
                .map(Listener::response)
                .orElse(null);
    }
}
