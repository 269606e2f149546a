package io.agentserver.service.http;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Against a Tomcat that has little patience, byte by byte. */
@Timeout(60)
class PatientTomcatTest {
    private static final int PATIENCE_MS = 500;
    private static final int PACE_MS = 50;

    @TempDir
    private Path directory = Path.of("");

    private final Tomcat tomcat = new Tomcat();

    @BeforeEach
    void start() throws Exception {
        tomcat.setBaseDir(directory.toString());
        Connector connector = new Connector(TimedHttp11Protocol.class.getName());
        connector.setPort(0);
        connector.setProperty("address", "127.0.0.1");
        connector.setProperty("connectionTimeout", String.valueOf(PATIENCE_MS));
        connector.setProperty("maxHttpRequestHeaderSize", "16384");
        connector.setThrowOnFailure(true);
        tomcat.setConnector(connector);
        tomcat.getEngine().getPipeline().addValve(new LeftoverValve(Duration.ofMillis(PATIENCE_MS)));
        StandardHost host = (StandardHost) tomcat.getHost();
        host.getPipeline().addValve(new ServerRefusalValve((status, response) -> {
            response.setContentType("application/json");
            response.getOutputStream().write(("{\"refused\":" + status + "}").getBytes(StandardCharsets.UTF_8));
        }));
        host.setErrorReportValveClass(ServerRefusalValve.class.getName());
        Context context = tomcat.addContext("", directory.toString());
        Tomcat.addServlet(context, "all", new Careless());
        context.addServletMappingDecoded("/", "all");
        tomcat.start();
    }

    @AfterEach
    void stop() throws Exception {
        tomcat.stop();
        tomcat.destroy();
    }

    /** Answers without a look at the body. */
    private static final class Careless extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setStatus(401);
            response.setContentLength(2);
            response.getOutputStream().write(new byte[] {'n', 'o'});
        }
    }

    @ParameterizedTest
    @CsvSource({"'GET /x HTTP/1.1\r\nHost: x\r\nX: '", "'GET /x'"})
    void ends_a_header_that_drips_and_says_408(String begin) throws IOException {
        assertThat(answerTo(begin, "a")).startsWith("HTTP/1.1 408").endsWith("{\"refused\":408}");
    }

    @ParameterizedTest
    @CsvSource({"'GET /x HTTP/1.1\r\nHost: x\r\nX: '", "'GET /x HTTP/1.1\r\n'", "'GET /x'"})
    void ends_a_header_that_stops_and_says_408(String begin) throws IOException {
        assertThat(answerTo(begin, "")).startsWith("HTTP/1.1 408").endsWith("{\"refused\":408}");
    }

    @Test
    void closes_a_connection_that_says_nothing_without_a_word() throws IOException {
        assertThat(answerTo("", "")).isEmpty();
    }

    @Test
    void ends_a_body_that_drips_after_its_answer() throws IOException {
        String begin = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
        assertThat(answerTo(begin, "a")).startsWith("HTTP/1.1 401").endsWith("no");
    }

    @Test
    void goes_on_with_a_connection_whose_left_over_body_has_come() throws IOException {
        String one = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
        String last = "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        assertThat(answerTo(one + one + last, "").split("HTTP/1.1 401", -1)).hasSize(4);
    }

    @ParameterizedTest
    @CsvSource({"17000, 1, 431", "10, 200, 431", "9000, 1, 401"})
    void says_431_for_a_header_that_is_too_large(int length, int fields, int status) throws IOException {
        StringBuilder request = new StringBuilder("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for (int i = 0; i < fields; i++) {
            request.append("X-")
                    .append(i)
                    .append(": ")
                    .append("a".repeat(length))
                    .append("\r\n");
        }
        assertThat(answerTo(request + "\r\n", "")).startsWith("HTTP/1.1 " + status);
    }

    @ParameterizedTest
    @CsvSource({
        "'GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n', 400",
        "'GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n', 400",
        "'GET /x?a[]=1 HTTP/1.1\r\nHost: x\r\n\r\n', 400",
        "'GET /x HTTP/1.1\r\n\r\n', 400",
        "'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello', 400",
        "'TRACE /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 405",
    })
    void answers_in_the_services_words_what_tomcat_refuses(String request, int status) throws IOException {
        assertThat(answerTo(request, ""))
                .startsWith("HTTP/1.1 " + status)
                .contains("application/json")
                .endsWith("{\"refused\":" + status + "}");
    }

    @Test
    void reads_a_stream_no_longer_than_its_time() throws IOException {
        InputStream late = new DeadlineInputStream(new ByteArrayInputStream(new byte[1]), Duration.ofNanos(-1));
        assertThatThrownBy(() -> late.readNBytes(5)).isInstanceOf(SocketTimeoutException.class);
        InputStream soon = new DeadlineInputStream(new ByteArrayInputStream(new byte[5]), Duration.ofMinutes(1));
        assertThat(soon.readNBytes(9)).hasSize(5);
    }

    /** What the server says until it closes; meanwhile it gets one drip after another. */
    private String answerTo(String begin, String drip) throws IOException {
        StringBuilder answer = new StringBuilder();
        try (Socket socket = new Socket(
                InetAddress.getLoopbackAddress(), tomcat.getConnector().getLocalPort())) {
            socket.setSoTimeout(PACE_MS);
            socket.getOutputStream().write(begin.getBytes(StandardCharsets.ISO_8859_1));
            byte[] into = new byte[4096];
            while (true) {
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
        } catch (java.net.SocketException e) {
            return answer.toString(); // closed while it dripped
        }
    }
}
