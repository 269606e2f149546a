package io.agentserver.gateway.http;

import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

import java.util.Map;

/** An endpoint that answers in JSON, whatever {@code Accept} says: those that know XML too choose for themselves. */
public abstract class JsonEndpoint {

    protected static ResponseEntity<byte[]> ok(Object body) {
        return answer(HttpStatus.OK, Map.of(), body);
    }

    protected static ResponseEntity<byte[]> answer(HttpStatus status, Map<String, String> headers, Object body) {
        ResponseEntity.BodyBuilder answer = ResponseEntity.status(status)
                .contentType(MediaType.APPLICATION_JSON)
                .header(HttpHeaders.CACHE_CONTROL, "no-store");
        headers.forEach(answer::header);
        return answer.body(Json.bytes(body));
    }
}
