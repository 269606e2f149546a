package io.agentserver.gateway.admission;

import io.agentserver.envelope.XmlLimits;
import io.agentserver.gateway.admission.Admittance.Admitted;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.http.BoundedBody;
import io.agentserver.gateway.http.Format;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.limits.BodyMemory;
import io.agentserver.gateway.limits.OpenRequests;
import io.agentserver.gateway.limits.RateLimits;
import io.agentserver.gateway.openapi.Access;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.openapi.Takes;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemDocuments;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.Scope;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code POST /v1/messages}: a message in; 202 once the log has it, or its turn's response if the client waits for it. Or a batch of
 * them; 207 once each is on the log or refused.
 */
@RestController
public final class MessagesEndpoint extends JsonEndpoint {
    /** RFC 7240; other preferences beside it are not for us. */
    private static final Pattern WAIT =
            Pattern.compile("(?i)(?:^|[,;\\s])wait\\s*=\\s*\"?([0-9]{1,18})\"?(?=$|[,;\\s])");

    private static final String BATCH = "application/vnd.agentserver.batch+xml";
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final Pattern BARE_TOKEN = Pattern.compile("[\\x21-\\x7e]{1,255}");

    private final Callers callers;
    private final Admission admission;
    private final Batches batches;
    private final Responses responses;
    private final RateLimits limits;
    private final ProblemDocuments problems;
    private final long mostBytes;

    /** @param xml the largest body among its limits */
    public MessagesEndpoint(
            Callers callers,
            Admission admission,
            Batches batches,
            Responses responses,
            RateLimits limits,
            ProblemDocuments problems,
            XmlLimits xml) {
        this.callers = callers;
        this.admission = admission;
        this.batches = batches;
        this.responses = responses;
        this.problems = problems;
        this.limits = limits;
        this.mostBytes = xml.bytes();
    }

    @Call(
            id = "sendMessage",
            does = "Sends a message, or a batch of them.",
            more = """
                    The answer comes when the log has the message: from then on it is not lost. With `Prefer: wait=N` it comes when the \
                    message's turn has ended, at most N seconds later; at once, with 202, while the gateway has no room for one more that waits.

                    A message is the same one when it comes again with the same `id` in the same thread, or the same `Idempotency-Key` \
                    within 24 hours: it takes effect once and gets the first answer. With another content it is refused.

                    An envelope that the org has signed with a registered key needs no API key.""",
            access = Access.KEY_OR_SIGNATURE,
            scopes = Scope.MESSAGES_WRITE,
            takes = {
                @Takes(type = "application/xml", value = "Envelope"),
                @Takes(type = "application/json", value = "NewMessage"),
                @Takes(type = BATCH, value = "EnvelopeBatch")
            },
            answers = {
                @Answer(
                        status = 200,
                        value =
                                "The turn has ended: its response, or a `SystemError`; in the format of the message, or as `Accept` says.",
                        schema = "Response",
                        headers = {"Location", "Preference-Applied"}),
                @Answer(status = 200, value = "", type = "application/xml", schema = "Envelope"),
                @Answer(
                        status = 202,
                        value = "The log has the message; its turn goes on.",
                        schema = "Accepted",
                        headers = "Location"),
                @Answer(
                        status = 204,
                        value = "The turn has ended without a response.",
                        headers = {"Location", "Preference-Applied"}),
                @Answer(status = 207, value = "What came of each message of the batch.", schema = "BatchResults")
            },
            problems = {
                ProblemType.CREDIT_EXHAUSTED,
                ProblemType.INVALID_ENVELOPE,
                ProblemType.INVALID_PAYLOAD,
                ProblemType.UNKNOWN_LISTENER,
                ProblemType.IDEMPOTENCY_MISMATCH
            })
    @PostMapping("/v1/messages")
    ResponseEntity<byte[]> send(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @Param(
                            value = "Makes a repeat the same message, where the message has no id of its own.",
                            pattern = "^[!-~]{1,255}$")
                    @RequestHeader(value = "Idempotency-Key", required = false)
                    @Nullable
                    String idempotencyKey,
            @Param(value = "`wait=N`: to wait for the turn's response, N seconds, at most 60 (RFC 7240).")
                    @RequestHeader(value = "Prefer", required = false)
                    @Nullable
                    String prefer,
            @RequestHeader(value = HttpHeaders.ACCEPT, required = false) @Nullable String accept,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        Caller caller = caller(authorization);
        String mediaType = BoundedBody.mediaType(request);
        if (idempotencyKey != null && !BARE_TOKEN.matcher(idempotencyKey).matches()) {
            throw Problem.of(
                            ProblemType.INVALID_REQUEST,
                            "Idempotency-Key: must be 1 to 255 visible ASCII characters without spaces")
                    .refusal();
        }
        if (mediaType.equals(BATCH)) {
            // strangers may have no more read before it is known who they are than with one envelope
            byte[] body = BoundedBody.read(request, caller == null ? mostBytes : Batches.MOST_BYTES);
            return results(batches.admit(caller, body, idempotencyKey));
        }
        Format sent = format(mediaType);
        byte[] body = BoundedBody.read(request, mostBytes);
        Admittance admittance = switch (sent) {
            case XML -> admission.admitXml(caller, body, idempotencyKey);
            case JSON -> {
                if (caller == null) {
                    throw Problem.unauthenticated().refusal();
                }
                yield admission.admitJson(caller, body, idempotencyKey);
            }
        };
        return switch (admittance) {
            case Admitted admitted -> {
                if (caller == null) { // it was counted when it was known whose it is
                    limits.headers(admitted.tenant(), null).forEach(response::setHeader);
                }
                BodyMemory.of(request).close(); // the log has it: whoever waits for the response holds nothing of it
                Duration wait = wait(prefer);
                // a preference (RFC 7240): without a place to wait in, the log has the message all the same
                yield wait.isZero()
                                || !OpenRequests.of(request)
                                        .mayWait(admitted.tenant().id())
                        ? accepted(admitted)
                        : awaited(admitted, wait, Format.wanted(accept, sent));
            }
            case Admittance.Declined(Problem problem) -> throw problem.refusal();
        };
    }

    /** Null: no API key was sent, so the envelope must be signed. */
    private @Nullable Caller caller(@Nullable String authorization) {
        if (authorization == null) {
            callers.requireFreshDirectory();
            return null;
        }
        return callers.require(authorization, Scope.MESSAGES_WRITE);
    }

    private ResponseEntity<byte[]> awaited(Admitted admitted, Duration wait, Format format) {
        return switch (responses.await(admitted, wait, format)) {
            case Responses.Response.Came(Format came, String body) ->
                ResponseEntity.ok()
                        .contentType(MediaType.parseMediaType(came.mediaType()))
                        .header(HttpHeaders.CACHE_CONTROL, "no-store")
                        .header(HttpHeaders.LOCATION, location(admitted))
                        .header("Preference-Applied", "wait=" + wait.toSeconds())
                        .body(body.getBytes(StandardCharsets.UTF_8));
            case Responses.Response.None() ->
                ResponseEntity.noContent()
                        .header(HttpHeaders.LOCATION, location(admitted))
                        .header("Preference-Applied", "wait=" + wait.toSeconds())
                        .build();
            case Responses.Response.NotYet() -> accepted(admitted);
        };
    }

    /** The answer to whatever put a message on the log. */
    public static ResponseEntity<byte[]> accepted(Admitted admitted) {
        Map<String, Object> body = ids(admitted);
        body.put("status", "accepted");
        return answer(HttpStatus.ACCEPTED, Map.of(HttpHeaders.LOCATION, location(admitted)), body);
    }

    private static Map<String, Object> ids(Admitted admitted) {
        Map<String, Object> ids = new LinkedHashMap<>();
        ids.put("message_id", admitted.message().toString());
        ids.put("thread_id", admitted.thread().toString());
        ids.put("turn_id", admitted.message().toString());
        return ids;
    }

    private ResponseEntity<byte[]> results(List<Admittance> admittances) {
        List<Map<String, Object>> results = new ArrayList<>(admittances.size());
        for (Admittance admittance : admittances) {
            Map<String, Object> result = new LinkedHashMap<>();
            switch (admittance) {
                case Admitted admitted -> {
                    result.put("status", HttpStatus.ACCEPTED.value());
                    result.putAll(ids(admitted));
                }
                case Admittance.Declined(Problem problem) -> {
                    result.put("status", problem.type().status());
                    result.put("problem", problems.part(problem));
                }
            }
            results.add(result);
        }
        return answer(HttpStatus.MULTI_STATUS, Map.of(), Map.of("results", results));
    }

    private static String location(Admitted admitted) {
        return "/v1/threads/" + admitted.thread();
    }

    private static Format format(String mediaType) {
        return switch (mediaType) {
            case "application/xml", "text/xml" -> Format.XML;
            case "application/json" -> Format.JSON;
            default ->
                throw Problem.of(
                                ProblemType.UNSUPPORTED_MEDIA_TYPE,
                                "send Content-Type: application/xml, application/json or " + BATCH)
                        .refusal();
        };
    }

    private static Duration wait(@Nullable String prefer) {
        if (prefer == null) {
            return Duration.ZERO;
        }
        Matcher matcher = WAIT.matcher(prefer);
        if (!matcher.find()) {
            return Duration.ZERO;
        }
        Duration asked = Duration.ofSeconds(Long.parseLong(matcher.group(1)));
        return asked.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : asked;
    }
}
