package io.agentserver.gateway.organism;

import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.organism.Handler;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.PayloadType;
import io.agentserver.tenancy.Scope;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code /v1/listeners}: whom a client can write to, and what they take. */
@RestController
public final class ListenersEndpoint extends JsonEndpoint {
    private final Callers callers;
    private final Organisms organisms;

    public ListenersEndpoint(Callers callers, Organisms organisms) {
        this.callers = callers;
        this.organisms = organisms;
    }

    @Call(
            id = "listListeners",
            does = "Lists the listeners of the organism, with the schemas of what they take.",
            answers = @Answer(value = "All of them.", schema = "Listeners"))
    @GetMapping("/v1/listeners")
    ResponseEntity<byte[]> list(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization);
        List<Map<String, Object>> data =
                organisms.current(caller.tenant()).map(Organism::listeners).orElse(List.of()).stream()
                        .map(listener -> json(listener, caller))
                        .toList();
        return ok(Map.of("data", data));
    }

    @Call(
            id = "readSchema",
            does = "The XML schema of what a listener takes.",
            answers = @Answer(value = "The schema.", type = "application/xml", schema = "Schema"),
            problems = ProblemType.NOT_FOUND)
    @GetMapping("/v1/listeners/{name}/schema")
    ResponseEntity<byte[]> schema(
            @Param(value = "The listener.", example = "greeter") @PathVariable String name,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization);
        Listener listener = organisms
                .current(caller.tenant())
                .flatMap(organism -> organism.listener(name))
                .orElseThrow(() -> Problem.notFound().refusal());
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_XML)
                .body(listener.payload().xsd().getBytes(StandardCharsets.UTF_8));
    }

    private static Map<String, Object> json(Listener listener, Caller caller) {
        long version = caller.tenant().organismVersion();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", listener.name());
        json.put("description", listener.description());
        json.put("agent", listener.agent());
        json.put(
                "handler",
                switch (listener.handler()) {
                    case Handler.Llm _ -> "llm";
                    case Handler.Http _ -> "http";
                    case Handler.Builtin(String name) -> "builtin:" + name;
                    case Handler.Java(String name) -> "java:" + name;
                });
        if (listener.handler() instanceof Handler.Llm llm && caller.has(Scope.ORGANISM_WRITE)) {
            json.put("prompt_path", StaticFile.prompt(listener, llm).path(version));
        }
        json.put(
                "payload", type(listener.payload(), StaticFile.payload(listener).path(version)));
        PayloadType response = listener.response();
        if (response != null) {
            json.put(
                    "response",
                    type(response, StaticFile.response(listener, response).path(version)));
        }
        json.put(
                "peers",
                listener.peers().stream()
                        .map(p -> Map.of("name", p.name(), "hand_over", p.handOver()))
                        .toList());
        return json;
    }

    private static Map<String, Object> type(PayloadType type, String path) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("root", type.root());
        json.put("namespace", type.namespace());
        json.put("xsd", type.xsd());
        json.put("xsd_path", path);
        json.put("example", type.example());
        return json;
    }
}
