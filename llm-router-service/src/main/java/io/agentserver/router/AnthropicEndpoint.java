package io.agentserver.router;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;

/** Anthropic's API: {@code POST /v1/messages}. One virtual thread a request. */
@RestController
class AnthropicEndpoint {
    private final Door door;

    AnthropicEndpoint(Door door) {
        this.door = door;
    }

    @PostMapping("/v1/messages")
    void create(HttpServletRequest request, HttpServletResponse response) throws IOException {
        door.call(Shape.MESSAGES, request, response);
    }
}
