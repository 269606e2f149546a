package io.agentserver.router;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.service.http.DeadlineInputStream;
import io.agentserver.service.trace.Spans;
import io.agentserver.service.trace.Traceparent;
import io.micrometer.tracing.Tracer;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.apache.coyote.CloseNowException;
import org.slf4j.MDC;
import org.springframework.util.unit.DataSize;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** OpenAI's API: {@code POST /v1/chat/completions} and {@code GET /v1/models}. One virtual thread a request. */
@RestController
class OpenAiEndpoint {
    private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7e]{1,255}");
    private static final Duration SLICE = Duration.ofSeconds(1);
    private static final Duration FOR_THE_BODY = Duration.ofSeconds(60);

    private final Callers callers;
    private final Chat chat;
    private final RouteTable table;
    private final RouterMetrics metrics;
    private final Tracer tracer;
    private final DataSize maxRequest;

    OpenAiEndpoint(
            Callers callers, Chat chat, RouteTable table, RouterMetrics metrics, Tracer tracer, DataSize maxRequest) {
        this.callers = callers;
        this.chat = chat;
        this.table = table;
        this.metrics = metrics;
        this.tracer = tracer;
        this.maxRequest = maxRequest;
    }

    @PostMapping("/v1/chat/completions")
    void complete(HttpServletRequest request, HttpServletResponse response) throws IOException {
        switch (identity(request)) {
            case Callers.Identity.Refused refused -> refuse(response, refused.refusal());
            case Callers.Identity.Known known -> complete(known, request, response);
        }
    }

    @GetMapping("/v1/models")
    void models(HttpServletRequest request, HttpServletResponse response) throws IOException {
        switch (identity(request)) {
            case Callers.Identity.Refused refused -> refuse(response, refused.refusal());
            case Callers.Identity.Known known -> {
                ObjectNode list = Json.object().put("object", "list");
                ArrayNode data = list.putArray("data");
                for (RouteTable.Model model : table.models()) {
                    data.addObject()
                            .put("id", model.id())
                            .put("object", "model")
                            .put("created", 0)
                            .put("owned_by", model.owner());
                }
                json(response, 200, list);
            }
        }
    }

    private Callers.Identity identity(HttpServletRequest request) {
        return callers.identify(request.getHeader("Authorization"), request.getHeader("x-api-key"));
    }

    private void complete(Callers.Identity.Known caller, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        String type = request.getContentType();
        if (type == null
                || !type.toLowerCase(java.util.Locale.ROOT).startsWith("application/json")
                || request.getHeader("Content-Encoding") != null) {
            refuse(
                    response,
                    Refusal.of(
                            415,
                            Refusal.Reason.UNSUPPORTED_TYPE,
                            "send the body as Content-Type: application/json, without Content-Encoding"));
            return;
        }
        byte[] body = new DeadlineInputStream(request.getInputStream(), FOR_THE_BODY)
                .readNBytes(Math.toIntExact(maxRequest.toBytes()) + 1);
        if (body.length > maxRequest.toBytes()) {
            refuse(
                    response,
                    Refusal.of(
                            413, Refusal.Reason.TOO_LARGE, "the body is over " + maxRequest + ": send a shorter one"));
            return;
        }
        switch (ChatRequest.read(body)) {
            case ChatRequest.Reading.Unreadable unreadable -> refuse(response, unreadable.refusal());
            case ChatRequest.Reading.Read read -> call(caller, read.request(), request, response);
        }
    }

    private void call(
            Callers.Identity.Known caller,
            ChatRequest chatRequest,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        TenantId tenant = caller.tenant();
        Optional<String> key = Optional.ofNullable(request.getHeader("Idempotency-Key"));
        if (key.isPresent() && !TOKEN.matcher(key.get()).matches()) {
            refuse(response, Refusal.invalid("Idempotency-Key must be 1 to 255 visible ASCII characters", null));
            return;
        }
        Attribution attribution;
        try {
            attribution = Attribution.ofHeaders(request::getHeader, caller.service());
        } catch (IllegalArgumentException malformed) {
            refuse(response, Refusal.invalid(String.valueOf(malformed.getMessage()), null));
            return;
        }
        Call call = new Call(tenant, chatRequest, attribution, key, Ids.v7(), trace(request));
        Map<String, String> logged = logged(call);
        logged.forEach(MDC::put);
        if (Spans.areMade(tracer)) {
            Spans.tagWithIds(tracer.currentSpan());
        }
        try {
            answer(call, response);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            if (response.isCommitted()) {
                throw new CloseNowException();
            }
            refuse(response, Refusal.unavailable("this router is stopping; try again"));
        } finally {
            logged.keySet().forEach(MDC::remove);
        }
    }

    private void answer(Call call, HttpServletResponse response) throws IOException, InterruptedException {
        switch (chat.answer(call)) {
            case Answer.Refused refused -> refuse(response, refused.refusal());
            case Answer.Given given -> {
                try (Answer.Live answer = given.live()) {
                    headers(response, answer.head());
                    if (call.request().stream()) {
                        stream(call, answer, response);
                    } else {
                        whole(answer, response);
                    }
                }
            }
        }
    }

    private void stream(Call call, Answer.Live answer, HttpServletResponse response)
            throws IOException, InterruptedException {
        response.setHeader("Request-Id", Ids.v7().toString());
        response.setContentType("text/event-stream;charset=utf-8");
        response.setHeader("Cache-Control", "no-cache");
        response.setHeader("X-Accel-Buffering", "no"); // nginx and its like collect otherwise
        EventStream events =
                new EventStream(response.getOutputStream(), call.request().includeUsage());
        if (!events.write(answer)) {
            metrics.rejected(Refusal.Reason.PROVIDER_BROKEN);
            throw new CloseNowException(); // the only end that no client takes for a complete one
        }
    }

    private void whole(Answer.Live answer, HttpServletResponse response) throws IOException, InterruptedException {
        while (true) {
            switch (answer.next(SLICE)) {
                case Answer.Event.End end -> {
                    json(response, 200, end.completion());
                    return;
                }
                case Answer.Event.Broken broken -> {
                    refuse(response, broken.refusal());
                    return;
                }
                case Answer.Event.Chunk chunk -> {} // in the completion at the end
                case Answer.Event.Quiet quiet -> {}
            }
        }
    }

    private static void headers(HttpServletResponse response, Answer.Head head) {
        response.setHeader("x-agentserver-receipt", head.receipt().toString());
        response.setHeader("x-agentserver-provider", head.provider());
        response.setHeader("x-agentserver-model", head.model());
        response.setHeader("x-agentserver-cache", "bypass");
        response.setHeader("x-agentserver-attempts", Integer.toString(head.attempts()));
        if (head.stub()) {
            response.setHeader("x-agentserver-stub", "true");
        }
    }

    private void refuse(HttpServletResponse response, Refusal refusal) throws IOException {
        metrics.rejected(refusal.reason());
        if (refusal.retryAfter() != null) {
            response.setHeader("Retry-After", Long.toString(refusal.retryAfter().toSeconds()));
        }
        json(response, refusal.status(), OpenAiErrors.body(refusal));
    }

    private static void json(HttpServletResponse response, int status, ObjectNode body) throws IOException {
        byte[] bytes = Json.write(body);
        response.setStatus(status);
        response.setHeader("Request-Id", Ids.v7().toString());
        response.setContentType("application/json");
        response.setContentLength(bytes.length);
        response.getOutputStream().write(bytes);
    }

    /** What the caller brought. */
    private static Map<String, String> trace(HttpServletRequest request) {
        return Traceparent.valid(request.getHeader(Traceparent.HEADER))
                .map(trace -> Map.of(Traceparent.HEADER, trace))
                .orElse(Map.of());
    }

    private static Map<String, String> logged(Call call) {
        Map<String, String> logged = new HashMap<>();
        logged.put("tenant", call.tenant().value());
        Attribution of = call.attribution();
        of.conversation().map(ThreadId::toString).ifPresent(id -> logged.put("conversation", id));
        of.thread().map(ThreadId::toString).ifPresent(id -> logged.put("thread", id));
        of.message().map(MessageId::toString).ifPresent(id -> logged.put("message", id));
        return logged;
    }
}
