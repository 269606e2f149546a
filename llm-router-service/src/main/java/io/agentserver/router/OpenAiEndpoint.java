package io.agentserver.router;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.Optional;

/**
 * OpenAI's API: {@code POST /v1/chat/completions}, {@code POST /v1/embeddings}, {@code GET /v1/models}; the models in
 * Anthropic's shape for clients that say {@code anthropic-version}, as its clients do. One virtual thread a request.
 */
@RestController
class OpenAiEndpoint {
    private final Door door;
    private final Models models;

    OpenAiEndpoint(Door door, Models models) {
        this.door = door;
        this.models = models;
    }

    @PostMapping("/v1/chat/completions")
    void complete(HttpServletRequest request, HttpServletResponse response) throws IOException {
        door.call(Shape.CHAT_COMPLETIONS, request, response);
    }

    /** Of another service alone: nobody wants that answer any more. */
    @DeleteMapping("/v1/chat/completions")
    void abandon(HttpServletRequest request, HttpServletResponse response) throws IOException {
        door.abandon(Shape.CHAT_COMPLETIONS, request, response);
    }

    @PostMapping("/v1/embeddings")
    void embed(HttpServletRequest request, HttpServletResponse response) throws IOException {
        door.call(Shape.EMBEDDINGS, request, response);
    }

    @GetMapping("/v1/models")
    void models(HttpServletRequest request, HttpServletResponse response) throws IOException {
        boolean anthropic = request.getHeader("anthropic-version") != null;
        door.ask(
                anthropic ? Shape.MESSAGES : Shape.CHAT_COMPLETIONS,
                request,
                response,
                tenant -> Optional.of(anthropic ? models.anthropicList(tenant) : models.openAiList(tenant)));
    }

    /** A model's name has slashes, written as such or as {@code %2F}. */
    @GetMapping("/v1/models/{*id}")
    void model(@PathVariable String id, HttpServletRequest request, HttpServletResponse response) throws IOException {
        boolean anthropic = request.getHeader("anthropic-version") != null;
        String name = id.substring(1);
        door.ask(
                anthropic ? Shape.MESSAGES : Shape.CHAT_COMPLETIONS,
                request,
                response,
                tenant -> anthropic ? models.anthropic(tenant, name) : models.openAi(tenant, name));
    }
}
