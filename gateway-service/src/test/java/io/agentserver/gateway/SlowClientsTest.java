package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;

/** With the times of production: a header is due within 20 s, a body within 30 s, however steadily bytes drip in. */
@ExtendWith(GatewayExtension.class)
class SlowClientsTest {
    private static final Duration LONGEST = Duration.ofSeconds(55);
    private static final int PACE_MS = 500;

    private final RunningGateway gateway;

    SlowClientsTest(RunningGateway gateway) {
        this.gateway = gateway;
    }

    /** All at once, for each takes its time. */
    @Test
    void a_slow_client_is_told_408_and_the_others_are_served_meanwhile() throws Exception {
        String key =
                gateway.createTenant("w" + Ids.v7().toString().substring(0, 35).replace("-", "x"));
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        String post = "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key
                + "\r\nContent-Type: application/xml\r\n";
        Map<String, String[]> slow = new LinkedHashMap<>();
        slow.put("a header that drips", new String[] {"GET /v1/threads HTTP/1.1\r\nHost: x\r\nX: ", "a"});
        slow.put("a request line that drips", new String[] {"GET /", "a"});
        slow.put("a header that stops", new String[] {"GET /v1/threads HTTP/1.1\r\nHost: x\r\n", ""});
        slow.put("a body that drips", new String[] {post + "Content-Length: 1000\r\n\r\n<mess", "a"});
        slow.put("a body that stops", new String[] {post + "Content-Length: 1000\r\n\r\n<mess", ""});
        slow.put("chunks that drip", new String[] {post + "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"});
        slow.put("gzip that stops", new String[] {
            post + "Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n\u001f\u008b\b\0\0\0\0\0\0\0", ""
        });
        Map<String, Future<String>> answers = new LinkedHashMap<>();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            slow.forEach((what, says) -> answers.put(what, clients.submit(() -> answer(says[0], says[1]))));
            assertThat(gateway.post(
                                    "/v1/messages",
                                    key,
                                    "application/json",
                                    "{\"payload\":{\"Greeting\":{\"Name\":\"x\"}}}")
                            .status())
                    .isEqualTo(202);
        }
        for (Map.Entry<String, Future<String>> answer : answers.entrySet()) {
            assertThat(answer.getValue().get())
                    .as(answer.getKey())
                    .startsWith("HTTP/1.1 408")
                    .contains("application/problem+json", "/problems/request-timeout", "\"request_id\":");
        }
    }

    private String answer(String begin, String drip) throws IOException {
        StringBuilder answer = new StringBuilder();
        long end = System.nanoTime() + LONGEST.toNanos();
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
            socket.setSoTimeout(PACE_MS);
            socket.getOutputStream().write(begin.getBytes(StandardCharsets.ISO_8859_1));
            byte[] into = new byte[4096];
            while (System.nanoTime() - end < 0) {
                try {
                    int read = socket.getInputStream().read(into);
                    if (read < 0) {
                        return answer.toString();
                    }
                    answer.append(new String(into, 0, read, StandardCharsets.ISO_8859_1));
                } catch (SocketTimeoutException e) {
                    socket.getOutputStream().write(drip.getBytes(StandardCharsets.ISO_8859_1));
                }
            }
            return "not ended: " + answer;
        } catch (SocketException e) {
            return answer.toString(); // closed while it dripped
        }
    }
}
