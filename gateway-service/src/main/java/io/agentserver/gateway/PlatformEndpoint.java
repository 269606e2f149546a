package io.agentserver.gateway;

import io.agentserver.gateway.openapi.Access;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.service.PlatformKeys;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.nio.charset.StandardCharsets;

/** What anybody may read: that the gateway answers, and the platform's public keys. */
@RestController
final class PlatformEndpoint {
    private final PlatformKeys keys;

    PlatformEndpoint(PlatformKeys keys) {
        this.keys = keys;
    }

    @Call(
            id = "health",
            does = "Says that the gateway answers.",
            access = Access.OPEN,
            answers = @Answer(value = "It does.", type = "text/plain", schema = "Ok"))
    @GetMapping("/healthz")
    ResponseEntity<byte[]> health() {
        return ResponseEntity.ok().contentType(MediaType.TEXT_PLAIN).body("ok\n".getBytes(StandardCharsets.UTF_8));
    }

    @Call(
            id = "platformKeys",
            does = "The platform's public keys, with which what it has signed can be verified.",
            access = Access.OPEN,
            answers = @Answer(value = "A JWK Set (RFC 7517).", schema = "JwkSet", headers = "Cache-Control"))
    @GetMapping("/.well-known/jwks.json")
    ResponseEntity<byte[]> keys() {
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_JSON)
                .header(HttpHeaders.CACHE_CONTROL, "public, max-age=300")
                .body(keys.publicJwks().getBytes(StandardCharsets.UTF_8));
    }
}
