package io.agentserver.gateway.export;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.http.JsonBody;
import io.agentserver.gateway.limits.OpenRequests;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.tenancy.Scope;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.apache.coyote.CloseNowException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.http.HttpHeaders;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** {@code POST /v1/export}: a tenant's own data, as one archive. It shows all that the scopes which it needs show one by one. */
@RestController
public final class ExportEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(ExportEndpoint.class);

    private final Callers callers;
    private final Export export;
    private final Set<TenantId> running = ConcurrentHashMap.newKeySet();
    private volatile boolean stopped;

    public ExportEndpoint(Callers callers, Export export) {
        this.callers = callers;
        this.export = export;
    }

    /** Blocks its virtual thread for as long as it takes to read everything. */
    @Call(
            id = "exportTenant",
            does = "All that there is of the tenant, as one ZIP.",
            more = """
                    `tenant.json`, `organisms.ndjson`, `usage.ndjson`, `conversations.ndjson`, `messages.ndjson`, `messages.xml` (the \
                    envelopes), `dead-letters.ndjson`, and at the end `manifest.json` with the number of entries and the SHA-256 of each. \
                    Conversations that are past their time are not in it, nor what begins after the call. One that something is said in \
                    meanwhile may be there twice: `conversation` and `sequence` name a message.

                    It is sent as it is read, for as long as that takes; when it cannot go on its connection breaks, and what has come is no archive: ask again. That is so \
                    within seconds when the API key is revoked or expires. One at a time for each tenant: `conflict`.""",
            scopes = {Scope.THREADS_READ, Scope.USAGE_READ, Scope.ORGANISM_WRITE, Scope.KEYS_WRITE},
            allScopes = true,
            answers = @Answer(value = "The archive.", type = "application/zip", schema = "Archive"),
            problems = {
                ProblemType.CONFLICT,
                ProblemType.UNAVAILABLE,
                ProblemType.TOO_LARGE,
                ProblemType.MALFORMED_JSON,
                ProblemType.UNKNOWN_FIELD,
                ProblemType.UNSUPPORTED_MEDIA_TYPE
            })
    @PostMapping("/v1/export")
    void export(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        Caller caller = callers.requireAll(
                authorization, Scope.THREADS_READ, Scope.USAGE_READ, Scope.ORGANISM_WRITE, Scope.KEYS_WRITE);
        JsonBody.requireEmpty(request);
        if (!OpenRequests.of(request).mayWait(caller.tenant().id())) {
            throw OpenRequests.full().refusal();
        }
        if (!running.add(caller.tenantId())) {
            throw Problem.of(ProblemType.CONFLICT, "an export of this tenant is on its way; wait for its end")
                    .refusal();
        }
        try {
            write(caller, response);
        } finally {
            running.remove(caller.tenantId());
        }
    }

    /** Nothing waits for exports to end, which may take hours. */
    @EventListener(ContextClosedEvent.class)
    void stop() {
        stopped = true;
    }

    private void write(Caller caller, HttpServletResponse response) throws IOException {
        response.setContentType("application/zip");
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        response.setHeader(
                HttpHeaders.CONTENT_DISPOSITION,
                "attachment; filename=\"" + caller.tenant().id() + ".zip\"");
        response.setHeader("X-Accel-Buffering", "no");
        response.flushBuffer();
        try {
            export.write(caller.tenant(), () -> !stopped && callers.isStillOne(caller), response.getOutputStream());
        } catch (Unavailable | Export.Stopped e) {
            LOG.warn("the export of tenant {} broke off: {}", caller.tenantId(), e.toString());
            throw new CloseNowException(); // the only end that no client takes for a complete one
        } catch (RuntimeException e) {
            LOG.error("the export of tenant {} broke off", caller.tenantId(), e);
            throw new CloseNowException();
        } catch (IOException e) {
            LOG.debug("the client of an export has gone: {}", e.toString());
        }
    }
}
