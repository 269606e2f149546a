package io.agentserver.gateway.deadletters;

import io.agentserver.gateway.admission.Admittance;
import io.agentserver.gateway.admission.Admittance.Admitted;
import io.agentserver.gateway.admission.Admittance.Declined;
import io.agentserver.gateway.admission.MessagesEndpoint;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.http.JsonBody;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.openapi.Takes;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemDocuments;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.Scope;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * {@code /v1/dead-letters}: what could not be handled, and sending it again. Reading needs the scope {@code threads:read}, for
 * it shows what threads show, or {@code dead-letters:write}; redriving needs {@code dead-letters:write}.
 */
@RestController
public final class DeadLettersEndpoint extends JsonEndpoint {
    private static final Set<String> MEMBERS = Set.of("rate", "limit", "cursor");
    private static final int MOST = 100;
    private static final int MOST_A_SECOND = 100;

    private final Callers callers;
    private final DeadLetters letters;
    private final Redrive redrive;
    private final ProblemDocuments problems;

    public DeadLettersEndpoint(Callers callers, DeadLetters letters, Redrive redrive, ProblemDocuments problems) {
        this.callers = callers;
        this.letters = letters;
        this.redrive = redrive;
        this.problems = problems;
    }

    @Call(
            id = "listDeadLetters",
            does = "Lists what could not be handled, the newest first, without payloads.",
            scopes = {Scope.THREADS_READ, Scope.DEAD_LETTERS_WRITE},
            answers = @Answer(value = "A page of them.", schema = "DeadLetterPage"))
    @GetMapping("/v1/dead-letters")
    ResponseEntity<byte[]> list(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @Param(value = "Letters a page.", least = 1, most = MOST) @RequestParam(defaultValue = "20") int limit,
            @Param("The `next_cursor` of the page before.") @RequestParam(defaultValue = "") String cursor) {
        Caller caller = callers.require(authorization, Scope.THREADS_READ, Scope.DEAD_LETTERS_WRITE);
        if (limit < 1 || limit > MOST) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "limit: must be 1 to " + MOST)
                    .refusal();
        }
        Places before = Places.parse(Places.Kind.BEFORE, cursor)
                .orElseThrow(() -> Problem.of(ProblemType.INVALID_REQUEST, "cursor: must be a next_cursor of this list")
                        .refusal());
        DeadLetters.Page page = letters.newest(caller.tenantId(), before, limit);
        List<Map<String, Object>> data =
                page.letters().stream().map(LetterJson::of).toList();
        return ok(page(data, page.more() ? page.next() : null, Places.Kind.BEFORE));
    }

    @Call(
            id = "readDeadLetter",
            does = "Reads a dead letter with its envelope.",
            scopes = {Scope.THREADS_READ, Scope.DEAD_LETTERS_WRITE},
            answers = @Answer(value = "The letter.", schema = "OpenedDeadLetter"),
            problems = ProblemType.NOT_FOUND)
    @GetMapping("/v1/dead-letters/{id}")
    ResponseEntity<byte[]> inspect(
            @Param(value = "The letter's id.", example = "3-41") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization, Scope.THREADS_READ, Scope.DEAD_LETTERS_WRITE);
        return ok(LetterJson.of(letters.find(caller.tenantId(), letter(id))
                .orElseThrow(() -> Problem.notFound().refusal())));
    }

    @Call(
            id = "redrive",
            does = "Sends a dead letter again, as a new message at its thread's end.",
            more = "`conflict`: it is no client's message, nobody can vouch for it, or its thread is closed.",
            scopes = Scope.DEAD_LETTERS_WRITE,
            answers = @Answer(status = 202, value = "The log has it.", schema = "Accepted", headers = "Location"),
            problems = {
                ProblemType.CREDIT_EXHAUSTED,
                ProblemType.NOT_FOUND,
                ProblemType.CONFLICT,
                ProblemType.TOO_LARGE,
                ProblemType.INVALID_ENVELOPE,
                ProblemType.INVALID_PAYLOAD,
                ProblemType.UNKNOWN_LISTENER,
                ProblemType.IDEMPOTENCY_MISMATCH,
                ProblemType.MALFORMED_JSON,
                ProblemType.UNKNOWN_FIELD,
                ProblemType.UNSUPPORTED_MEDIA_TYPE
            })
    @PostMapping("/v1/dead-letters/{id}/redrive")
    ResponseEntity<byte[]> redrive(
            @Param(value = "The letter's id.", example = "3-41") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        Caller caller = callers.require(authorization, Scope.DEAD_LETTERS_WRITE);
        JsonBody.requireEmpty(request);
        Admittance admittance = redrive.one(caller.tenant(), letter(id))
                .orElseThrow(() -> Problem.notFound().refusal());
        return switch (admittance) {
            case Admitted admitted -> MessagesEndpoint.accepted(admitted);
            case Declined(Problem problem) -> throw problem.refusal();
        };
    }

    /** Blocks its virtual thread for as long as the rate makes it last. */
    @Call(
            id = "redriveMany",
            does = "Sends dead letters again, the oldest first, at a rate, for at most 30 seconds.",
            more = "One at a time; `next_cursor` is where to go on.",
            scopes = Scope.DEAD_LETTERS_WRITE,
            takes = @Takes("Redrive"),
            answers = @Answer(value = "What came of each.", schema = "RedrivePage"),
            problems = ProblemType.CONFLICT)
    @PostMapping("/v1/dead-letters/redrive")
    ResponseEntity<byte[]> redriveMany(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        Caller caller = callers.require(authorization, Scope.DEAD_LETTERS_WRITE);
        JsonBody body = JsonBody.read(request, MEMBERS);
        int rate = body.integer("rate", 1, MOST_A_SECOND).orElse(10);
        int limit = body.integer("limit", 1, MOST).orElse(50);
        Places from = Places.parse(Places.Kind.FROM, body.text("cursor").orElse(""))
                .orElseThrow(() -> JsonBody.invalid("cursor", "must be a next_cursor of this call"));
        Redrive.Batch batch = redrive.many(caller.tenant(), from, rate, limit);
        List<Map<String, Object>> data =
                batch.outcomes().stream().map(this::json).toList();
        return ok(page(data, batch.next(), Places.Kind.FROM));
    }

    @EventListener(ContextClosedEvent.class)
    void stop() {
        redrive.stop();
    }

    /** What cannot be an id names nothing: the same answer as for one that does not exist. */
    private static LetterId letter(String id) {
        return LetterId.parse(id).orElseThrow(() -> Problem.notFound().refusal());
    }

    private static Map<String, Object> page(List<Map<String, Object>> data, @Nullable Places next, Places.Kind kind) {
        Map<String, Object> page = new LinkedHashMap<>();
        page.put("data", data);
        if (next != null) {
            page.put("next_cursor", next.text(kind));
        }
        return page;
    }

    private Map<String, Object> json(Redrive.Outcome outcome) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", outcome.id().toString());
        switch (outcome.admittance()) {
            case Admitted admitted -> {
                json.put("status", "accepted");
                json.put("message_id", admitted.message().toString());
                json.put("thread_id", admitted.thread().toString());
            }
            case Declined(Problem problem) -> json.put("problem", problems.part(problem));
        }
        return json;
    }
}
