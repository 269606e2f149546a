package io.agentserver.router;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.service.http.DeadlineInputStream;
import io.agentserver.service.http.DeadlineOutputStream;
import io.agentserver.service.trace.Spans;
import io.agentserver.service.trace.Traceparent;
import io.micrometer.tracing.Tracer;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.apache.coyote.CloseNowException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;

/**
 * The way of every call from HTTP to a {@link Chat} and back, whatever its {@link Shape}: who calls, what, for whom; then the
 * answer, whole or streamed. On the request's thread.
 */
final class Door {
    private static final Logger LOG = LoggerFactory.getLogger(Door.class);
    private static final String IDEMPOTENCY_KEY = "Idempotency-Key";
    private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7e]{1,255}");
    private static final Duration SLICE = Duration.ofMillis(250);
    private static final Duration FOR_THE_BODY = Duration.ofSeconds(60);

    private final Callers callers;
    private final Chat chat;
    private final Unwanted unwanted;
    private final RouterMetrics metrics;
    private final Tracer tracer;
    private final CallMemory memory;
    private final int maxRequest;

    /** @param maxRequest bytes of a body */
    Door(
            Callers callers,
            Chat chat,
            Unwanted unwanted,
            RouterMetrics metrics,
            Tracer tracer,
            CallMemory memory,
            int maxRequest) {
        this.memory = memory;
        this.callers = callers;
        this.chat = chat;
        this.unwanted = unwanted;
        this.metrics = metrics;
        this.tracer = tracer;
        this.maxRequest = maxRequest;
    }

    void call(Shape shape, HttpServletRequest request, HttpServletResponse response) throws IOException {
        Optional<Callers.Identity.Known> caller = caller(shape, request, response);
        if (caller.isEmpty()) {
            return;
        }
        try (CallMemory.Share share = memory.share(caller.get().tenant())) {
            Optional<byte[]> body = body(shape, request, response, share);
            if (body.isPresent()) {
                switch (shape.read(body.get(), request::getHeader)) {
                    case ChatRequest.Reading.Unreadable unreadable -> refuse(shape, response, unreadable.refusal());
                    case ChatRequest.Reading.Read read -> {
                        if (share.vectors(read.request().vectors())) {
                            call(shape, caller.get(), read.request(), request, response);
                        } else {
                            refuse(shape, response, noMemory());
                        }
                    }
                }
            }
        }
    }

    /**
     * A service says that nobody wants the answer under this {@code Idempotency-Key} any more: 204, whether there is a call or
     * not. A call whose caller has gone, or goes, is cancelled within a second.
     */
    void abandon(Shape shape, HttpServletRequest request, HttpServletResponse response) throws IOException {
        Optional<Callers.Identity.Known> caller = caller(shape, request, response);
        if (caller.isEmpty()) {
            return;
        }
        String key = request.getHeader(IDEMPOTENCY_KEY);
        if (!caller.get().service()) {
            refuse(
                    shape,
                    response,
                    Refusal.of(
                            403,
                            Refusal.Reason.FORBIDDEN,
                            "this is for the platform's own services: to cancel a call, close its connection"));
        } else if (key == null || !TOKEN.matcher(key).matches()) {
            refuse(shape, response, unusableKey());
        } else if (unwanted.say(caller.get().tenant(), key)) {
            response.setStatus(204);
        } else {
            refuse(shape, response, Refusal.unavailable("it could not be noted that this call is unwanted; try again"));
        }
    }

    private static Refusal unusableKey() {
        return Refusal.invalid("Idempotency-Key must be 1 to 255 visible ASCII characters", null);
    }

    /** For a call that asks no model: {@code answer} is told who calls; who may not is refused. */
    void ask(Shape shape, HttpServletRequest request, HttpServletResponse response, Supply answer) throws IOException {
        Optional<Callers.Identity.Known> caller = caller(shape, request, response);
        if (caller.isPresent()) {
            Optional<ObjectNode> found = answer.to(caller.get().tenant());
            if (found.isPresent()) {
                json(response, 200, found.get(), Ids.v7().toString());
            } else {
                refuse(shape, response, Refusal.of(404, Refusal.Reason.UNKNOWN_MODEL, "no such model"));
            }
        }
    }

    /** Empty: there is no such thing. */
    interface Supply {
        Optional<ObjectNode> to(TenantId tenant);
    }

    private Optional<Callers.Identity.Known> caller(
            Shape shape, HttpServletRequest request, HttpServletResponse response) throws IOException {
        return switch (callers.identify(request.getHeader("Authorization"), request.getHeader("x-api-key"))) {
            case Callers.Identity.Known known -> Optional.of(known);
            case Callers.Identity.Refused refused -> {
                refuse(shape, response, refused.refusal());
                yield Optional.empty();
            }
        };
    }

    private Optional<byte[]> body(
            Shape shape, HttpServletRequest request, HttpServletResponse response, CallMemory.Share share)
            throws IOException {
        String type = request.getContentType();
        if (type == null
                || !type.toLowerCase(Locale.ROOT).startsWith("application/json")
                || request.getHeader("Content-Encoding") != null) {
            refuse(
                    shape,
                    response,
                    Refusal.of(
                            415,
                            Refusal.Reason.UNSUPPORTED_TYPE,
                            "send the body as Content-Type: application/json, without Content-Encoding"));
            return Optional.empty();
        }
        long announced = request.getContentLengthLong();
        if (!share.body(announced < 0 ? maxRequest : Math.min(announced, maxRequest))) {
            refuse(shape, response, noMemory());
            return Optional.empty();
        }
        byte[] body = new DeadlineInputStream(request.getInputStream(), FOR_THE_BODY).readNBytes(maxRequest + 1);
        if (body.length > maxRequest) {
            refuse(
                    shape,
                    response,
                    Refusal.of(
                            413,
                            Refusal.Reason.TOO_LARGE,
                            "the body is over " + maxRequest + " bytes: send a shorter one"));
            return Optional.empty();
        }
        share.bodyIs(body.length);
        return Optional.of(body);
    }

    private static Refusal noMemory() {
        return Refusal.unavailable("this router has as many calls as it has memory for; try again");
    }

    private void call(
            Shape shape,
            Callers.Identity.Known caller,
            ChatRequest chatRequest,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        Optional<String> key = Optional.ofNullable(request.getHeader(IDEMPOTENCY_KEY));
        if (key.isPresent() && !TOKEN.matcher(key.get()).matches()) {
            refuse(shape, response, unusableKey());
            return;
        }
        Attribution attribution;
        try {
            attribution = Attribution.ofHeaders(request::getHeader, caller.service());
        } catch (IllegalArgumentException malformed) {
            refuse(shape, response, Refusal.invalid(String.valueOf(malformed.getMessage()), null));
            return;
        }
        HangUp connection = HangUpValve.of(request);
        HangUp client = caller.service() && key.isPresent() && !chatRequest.stream()
                ? unwanted.unless(connection, caller.tenant(), key.get())
                : connection;
        Call call = new Call(
                caller.tenant(),
                chatRequest,
                attribution,
                key,
                Ids.v7(),
                trace(request),
                client,
                CacheUse.of(request.getHeader("Cache-Control")));
        Map<String, String> logged = logged(call);
        logged.forEach(MDC::put);
        if (Spans.areMade(tracer)) {
            Spans.tagWithIds(tracer.currentSpan());
        }
        try {
            answer(shape, call, response);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            if (response.isCommitted()) {
                throw new CloseNowException();
            }
            refuse(shape, response, Refusal.unavailable("this router is stopping; try again"));
        } finally {
            logged.keySet().forEach(MDC::remove);
        }
    }

    private void answer(Shape shape, Call call, HttpServletResponse response) throws IOException, InterruptedException {
        switch (chat.answer(call)) {
            case Answer.Refused refused -> {
                Limits.headers(refused.minute(), response::setHeader);
                refuse(shape, response, refused.refusal());
            }
            case Answer.Given given -> {
                try (Answer.Live answer = given.live()) {
                    headers(response, answer.head());
                    Limits.headers(answer.head().minute(), response::setHeader);
                    if (call.request().stream()) {
                        stream(shape, call, answer, response);
                    } else {
                        whole(shape, call, answer, response);
                    }
                } catch (SocketTimeoutException notRead) {
                    metrics.rejected(Refusal.Reason.TOO_SLOW);
                    throw new CloseNowException(); // the connection still has what its client does not take
                } catch (RuntimeException unexpected) {
                    if (!response.isCommitted()) {
                        throw unexpected;
                    }
                    LOG.error("an answer failed in the middle, and its connection is broken", unexpected);
                    throw new CloseNowException(); // an error's body behind it would end the stream cleanly
                }
            }
        }
    }

    private void stream(Shape shape, Call call, Answer.Live answer, HttpServletResponse response)
            throws IOException, InterruptedException {
        String requestId = Ids.v7().toString();
        requestId(response::setHeader, requestId);
        response.setContentType("text/event-stream;charset=utf-8");
        response.setHeader("Cache-Control", "no-cache");
        response.setHeader("X-Accel-Buffering", "no"); // nginx and its like collect otherwise
        EventStream events = new EventStream(
                new DeadlineOutputStream(response.getOutputStream(), answer.readWithin()), call.client());
        if (!events.write(answer, shape.script(call.request(), requestId))) {
            metrics.rejected(Refusal.Reason.PROVIDER_BROKEN);
            throw new CloseNowException(); // the only end that no client takes for a complete one
        }
    }

    private void whole(Shape shape, Call call, Answer.Live answer, HttpServletResponse response)
            throws IOException, InterruptedException {
        Stopwatch looked = new Stopwatch();
        while (true) {
            if (looked.left(SLICE).isNegative()) {
                looked = new Stopwatch();
                call.client().check();
            }
            switch (answer.next(SLICE)) {
                case Answer.Event.End end -> {
                    ObjectNode body = shape.whole(end.completion(), call.request());
                    json(response, 200, body, Ids.v7().toString(), answer.readWithin());
                    return;
                }
                case Answer.Event.Broken broken -> {
                    refuse(shape, response, broken.refusal());
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
        response.setHeader("x-agentserver-cache", head.cache().name().toLowerCase(Locale.ROOT));
        response.setHeader("x-agentserver-attempts", Integer.toString(head.attempts()));
        if (head.stub()) {
            response.setHeader("x-agentserver-stub", "true");
        }
    }

    private void refuse(Shape shape, HttpServletResponse response, Refusal refusal) throws IOException {
        metrics.rejected(refusal.reason());
        if (refusal.retryAfter() != null) {
            response.setHeader("Retry-After", Long.toString(refusal.retryAfter().toSeconds()));
        }
        String requestId = Ids.v7().toString();
        json(response, refusal.status(), shape.refusal(refusal, requestId), requestId);
    }

    private static void json(HttpServletResponse response, int status, ObjectNode body, String requestId)
            throws IOException {
        json(response, status, body, requestId, FOR_THE_BODY);
    }

    private static void json(
            HttpServletResponse response, int status, ObjectNode body, String requestId, Duration readWithin)
            throws IOException {
        byte[] bytes = Json.write(body);
        response.setStatus(status);
        requestId(response::setHeader, requestId);
        response.setContentType("application/json");
        response.setContentLength(bytes.length);
        new DeadlineOutputStream(response.getOutputStream(), readWithin).write(bytes);
    }

    /** Anthropic's clients look for the one, OpenAI's for the other. */
    private static void requestId(BiConsumer<String, String> headers, String id) {
        headers.accept("Request-Id", id);
        headers.accept("x-request-id", id);
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
