package io.agentserver.gateway.threads;

import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.http.Format;
import io.agentserver.gateway.http.JsonBody;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.limits.OpenRequests;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.Scope;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** {@code /v1/threads}: conversations, their slots, and the slots as they come. */
@RestController
public final class ThreadsEndpoint extends JsonEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(ThreadsEndpoint.class);
    private static final int MOST = 100;
    private static final String NEWEST_FIRST = "desc";
    private static final String OLDEST_FIRST = "asc";
    private static final String SEQUENCE = "^[0-9]{1,18}$";
    private static final String JUST_NOW =
            "An id that was accepted a moment ago is waited for, up to 5 seconds, before it is `not-found`.";

    /** How long an id that was accepted a moment ago may have no slot yet. */
    private static final Duration NOT_YET = Duration.ofSeconds(5);

    /** Requests of one tenant that may wait for that at once: whoever guesses ids must not fill the gateway with waits. */
    private static final int MOST_WAITING = 50;

    private final Callers callers;
    private final ThreadBuffer buffer;
    private final EventStreams streams;
    private final Map<TenantId, Integer> waiting = new ConcurrentHashMap<>();

    public ThreadsEndpoint(Callers callers, ThreadBuffer buffer, EventStreams streams) {
        this.callers = callers;
        this.buffer = buffer;
        this.streams = streams;
    }

    @Call(
            id = "listConversations",
            does = "Lists conversations, by their latest activity.",
            scopes = Scope.THREADS_READ,
            answers = @Answer(value = "A page of them.", schema = "ConversationPage"))
    @GetMapping("/v1/threads")
    ResponseEntity<byte[]> list(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @Param(value = "Conversations a page.", least = 1, most = MOST) @RequestParam(defaultValue = "20")
                    int limit,
            @Param(
                            value = "`desc`: the latest first.",
                            oneOf = {NEWEST_FIRST, OLDEST_FIRST})
                    @RequestParam(defaultValue = NEWEST_FIRST)
                    String order,
            @Param("The `next_cursor` of the page before.") @RequestParam(defaultValue = "") String cursor) {
        Caller caller = callers.require(authorization, Scope.THREADS_READ);
        ListReply reply = buffer.list(caller.tenantId(), bounded(limit), isOldestFirst(order), cursor);
        Map<String, Object> page = new LinkedHashMap<>();
        page.put(
                "data",
                reply.getConversationsList().stream()
                        .map(c -> ThreadJson.conversation(c, false))
                        .toList());
        if (!reply.getNextCursor().isEmpty()) {
            page.put("next_cursor", reply.getNextCursor());
        }
        return ok(page);
    }

    @Call(
            id = "readConversation",
            does = "Reads a conversation with its tree of threads and its turns.",
            more = JUST_NOW,
            scopes = Scope.THREADS_READ,
            answers = @Answer(value = "The conversation.", schema = "ConversationTree"),
            problems = {ProblemType.NOT_FOUND, ProblemType.UNAVAILABLE})
    @GetMapping("/v1/threads/{id}")
    ResponseEntity<byte[]> read(
            @Param(value = "The conversation.", example = "0199c0de-7a11-7000-8000-000000000001", format = "uuid")
                    @PathVariable
                    String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization, Scope.THREADS_READ);
        ThreadId thread = thread(id);
        ReadReply reply = found(caller, wait -> buffer.state(caller.tenantId(), thread, wait));
        return ok(ThreadJson.conversation(reply.getConversation(), true));
    }

    @Call(
            id = "listMessages",
            does = "Reads a conversation's messages, in order.",
            more = JUST_NOW,
            scopes = Scope.THREADS_READ,
            answers = {
                @Answer(
                        value = "A page of them; in XML the envelopes alone, if `Accept` prefers it.",
                        schema = "SlotPage"),
                @Answer(value = "", type = "application/xml", schema = "EnvelopeList")
            },
            problems = ProblemType.NOT_FOUND)
    @GetMapping("/v1/threads/{id}/messages")
    ResponseEntity<byte[]> messages(
            @Param(value = "The conversation.", example = "0199c0de-7a11-7000-8000-000000000001", format = "uuid")
                    @PathVariable
                    String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @RequestHeader(value = HttpHeaders.ACCEPT, required = false) @Nullable String accept,
            @Param(value = "A sequence: those behind it.", pattern = SEQUENCE) @RequestParam(defaultValue = "0")
                    String after,
            @Param(value = "The `next_cursor` of the page before; instead of `after`.", pattern = SEQUENCE)
                    @RequestParam(required = false)
                    @Nullable
                    String cursor,
            @Param(value = "Messages a page.", least = 1, most = MOST) @RequestParam(defaultValue = "50") int limit,
            @Param(value = "Those of this thread alone.", format = "uuid") @RequestParam(defaultValue = "")
                    String thread) {
        Caller caller = callers.require(authorization, Scope.THREADS_READ);
        ThreadId conversation = thread(id);
        String filter = thread.isEmpty() ? "" : thread(thread).toString();
        long from = cursor == null ? sequence("after", after) : sequence("cursor", cursor);
        int size = bounded(limit);
        ReadReply reply = found(caller, wait -> buffer.read(caller.tenantId(), conversation, from, size, filter, wait));
        List<Slot> slots = reply.getSlotsList();
        if (Format.wanted(accept, Format.JSON) == Format.XML) {
            return xml(slots);
        }
        Map<String, Object> page = new LinkedHashMap<>();
        page.put("data", slots.stream().map(ThreadJson::slot).toList());
        // by the conversation's length too: the buffer cuts a page that grows too large for an answer
        if (!slots.isEmpty()
                && (slots.size() == size
                        || slots.getLast().getSequence()
                                < reply.getConversation().getLastSequence())) {
            page.put("next_cursor", String.valueOf(slots.getLast().getSequence()));
        }
        return ok(page);
    }

    /** Ends what the client has set going in it so far; repeating it is harmless. */
    @Call(
            id = "cancelConversation",
            does =
                    "Stops the turns of a conversation, with their running handlers, also those that are still on the log.",
            more = "The conversation stays, and takes new messages. To repeat it is harmless.",
            scopes = Scope.MESSAGES_WRITE,
            answers = @Answer(value = "The conversation as it is now.", schema = "Conversation"),
            problems = {
                ProblemType.NOT_FOUND,
                ProblemType.TOO_LARGE,
                ProblemType.MALFORMED_JSON,
                ProblemType.UNKNOWN_FIELD,
                ProblemType.UNSUPPORTED_MEDIA_TYPE
            })
    @PostMapping("/v1/threads/{id}/cancel")
    ResponseEntity<byte[]> cancel(
            @Param(value = "The conversation.", example = "0199c0de-7a11-7000-8000-000000000001", format = "uuid")
                    @PathVariable
                    String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        Caller caller = callers.require(authorization, Scope.MESSAGES_WRITE);
        JsonBody.requireEmpty(request);
        ThreadId thread = thread(id);
        brief(caller, thread);
        return ok(ThreadJson.conversation(
                buffer.cancel(caller.tenantId(), thread)
                        .orElseThrow(() -> Problem.notFound().refusal()),
                false));
    }

    /**
     * Erases it: what is still on its way to it has no effect, what is sent to it later is accepted and dropped. The same answer again
     * as long as the buffer remembers the erasure, which is as long as it keeps commits; then, as of one that never was, 404.
     */
    @Call(
            id = "eraseConversation",
            does = "Erases a conversation, with all that was said in it.",
            more =
                    "What runs in it is stopped, and what comes to it later is accepted and dropped. To repeat it is harmless.",
            scopes = Scope.MESSAGES_WRITE,
            answers = @Answer(status = 204, value = "Nobody can read it any more."),
            problems = ProblemType.NOT_FOUND)
    @DeleteMapping("/v1/threads/{id}")
    ResponseEntity<Void> erase(
            @Param(value = "The conversation.", example = "0199c0de-7a11-7000-8000-000000000001", format = "uuid")
                    @PathVariable
                    String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization, Scope.MESSAGES_WRITE);
        ThreadId thread = thread(id);
        if (!buffer.erase(caller.tenantId(), thread)) {
            brief(caller, thread); // what was accepted a moment ago is erased too
            buffer.erase(caller.tenantId(), thread);
        }
        return ResponseEntity.noContent().build();
    }

    /** Blocks its virtual thread for as long as the stream lasts. */
    @Call(
            id = "followConversation",
            does = "Follows a conversation: its messages as they come, as server-sent events.",
            more = """
                    The stream ends with `done`, when no turn is open and it has sent a slot or was asked to resume; with `turn`, when \
                    that turn has ended; a turn that the conversation does not have is `not-found`. Without `done` it ends when the API key is \
                    revoked or has expired, within 5 seconds. A connection that broke before is resumed with `Last-Event-ID`.

                    """ + JUST_NOW,
            scopes = Scope.THREADS_READ,
            answers = @Answer(value = "The stream.", type = "text/event-stream", schema = "Events"),
            problems = ProblemType.NOT_FOUND)
    @GetMapping("/v1/threads/{id}/events")
    void events(
            @Param(value = "The conversation.", example = "0199c0de-7a11-7000-8000-000000000001", format = "uuid")
                    @PathVariable
                    String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @Param(value = "The id of the last event that came: go on behind it.", pattern = SEQUENCE)
                    @RequestHeader(value = "Last-Event-ID", required = false)
                    @Nullable
                    String lastEventId,
            @Param(value = "End the stream with this turn.", format = "uuid") @RequestParam(required = false) @Nullable
                    String turn,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        Caller caller = callers.require(authorization, Scope.THREADS_READ);
        if (!OpenRequests.of(request).mayWait(caller.tenant().id())) {
            throw OpenRequests.full().refusal();
        }
        ThreadId thread = thread(id);
        String awaited = turn == null ? null : thread(turn).toString();
        Long last = lastEventId == null ? null : sequence("Last-Event-ID", lastEventId);
        if (awaited == null) {
            brief(caller, thread);
        } else {
            requireTurn(caller, thread, awaited);
        }
        response.setContentType("text/event-stream;charset=UTF-8");
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        response.setHeader("X-Accel-Buffering", "no");
        response.flushBuffer();
        try {
            streams.run(
                    caller.tenantId(),
                    thread,
                    awaited,
                    last,
                    () -> callers.isStillOne(caller),
                    response.getOutputStream());
        } catch (IOException e) {
            LOG.debug("the client of an event stream has gone: {}", e.toString());
        }
    }

    /** Before the server waits for its requests to end. */
    @EventListener(ContextClosedEvent.class)
    void stop() {
        streams.stop();
    }

    /** Whether there is one, and no more than that. */
    private void brief(Caller caller, ThreadId thread) {
        found(caller, wait -> buffer.read(caller.tenantId(), thread, 0, 0, "", wait));
    }

    /** As {@link #found}: a stream that waits for the end of a turn that is not there would not end. */
    private void requireTurn(Caller caller, ThreadId thread, String turn) {
        found(caller, wait -> buffer.withTurn(caller.tenantId(), thread, turn, wait));
    }

    /** At once, or within the time that what was accepted a moment ago may take to get there; what was erased does not come. */
    private ReadReply found(Caller caller, Function<Duration, ReadReply> read) {
        ReadReply reply = read.apply(Duration.ZERO);
        if (reply.getFound()) {
            return reply;
        }
        if (reply.getErased()) {
            throw Problem.notFound().refusal();
        }
        int others = waiting.merge(caller.tenantId(), 1, Integer::sum) - 1;
        try {
            ReadReply later = others < MOST_WAITING ? read.apply(NOT_YET) : reply;
            if (!later.getFound()) {
                throw Problem.notFound().refusal();
            }
            return later;
        } finally {
            waiting.computeIfPresent(caller.tenantId(), (tenant, count) -> count == 1 ? null : count - 1);
        }
    }

    private static ResponseEntity<byte[]> xml(List<Slot> slots) {
        StringBuilder all = new StringBuilder("<messages xmlns=\"" + EnvelopeNames.ENVELOPE + "\">");
        slots.forEach(slot -> all.append(slot.getEnvelope()));
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_XML)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .body(all.append("</messages>").toString().getBytes(StandardCharsets.UTF_8));
    }

    /** What cannot be an id names nothing: the same answer as for one that does not exist. */
    private static ThreadId thread(String id) {
        try {
            return ThreadId.parse(id);
        } catch (IllegalArgumentException e) {
            throw Problem.notFound().refusal();
        }
    }

    private static int bounded(int limit) {
        if (limit < 1 || limit > MOST) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "limit: must be 1 to " + MOST)
                    .refusal();
        }
        return limit;
    }

    private static boolean isOldestFirst(String order) {
        if (!order.equals(NEWEST_FIRST) && !order.equals(OLDEST_FIRST)) {
            throw Problem.of(
                            ProblemType.INVALID_REQUEST,
                            "order: must be " + NEWEST_FIRST + " or " + OLDEST_FIRST + ", by last activity")
                    .refusal();
        }
        return order.equals(OLDEST_FIRST);
    }

    private static long sequence(String what, String text) {
        if (!text.matches("[0-9]{1,18}")) {
            throw Problem.of(ProblemType.INVALID_REQUEST, what + ": must be a sequence number")
                    .refusal();
        }
        return Long.parseLong(text);
    }
}
