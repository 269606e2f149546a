package io.agentserver.gateway;

import io.agentserver.localstores.FreePorts;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;

import static org.awaitility.Awaitility.await;

/**
 * Adobe's S3Mock, which speaks S3 over HTTP and keeps objects as files, in a process of its own: its jar has a Spring of its own.
 * It asks nobody who he is; what a role may do is for deploy/aws.
 */
final class S3Mock implements AutoCloseable {
    static final String BUCKET = "static";

    private final HttpClient http = HttpClient.newHttpClient();
    private final Process process;
    private final int port;

    private S3Mock(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** @param directory for its objects; its log stands beside it */
    static S3Mock start(Path directory) throws IOException {
        int port = FreePorts.take();
        String jar = Arrays.stream(System.getProperty("java.class.path").split(":", -1))
                .filter(entry -> entry.contains("s3mock") && entry.endsWith("-exec.jar"))
                .findFirst()
                .orElseThrow();
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        "-Dloader.path=" + Path.of("target/test-classes").toAbsolutePath(),
                        "-Dloader.main=" + OnLoopback.class.getName(),
                        "-cp",
                        jar,
                        "org.springframework.boot.loader.launch.PropertiesLauncher",
                        "--server.port=" + port,
                        "--server.ssl.enabled=false",
                        "--server.address=127.0.0.1",
                        "--com.adobe.testing.s3mock.httpPort=" + FreePorts.take(),
                        "--com.adobe.testing.s3mock.store.root=" + directory,
                        "--com.adobe.testing.s3mock.store.initial-buckets=" + BUCKET)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolveSibling("s3mock.log").toFile())
                .start();
        S3Mock mock = new S3Mock(process, port);
        await("S3Mock answers").atMost(Duration.ofSeconds(60)).until(mock::answers);
        return mock;
    }

    String url() {
        return "http://127.0.0.1:" + port;
    }

    HttpResponse<String> get(String object) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create(url() + "/" + BUCKET + "/" + object))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }

    private boolean answers() throws IOException, InterruptedException {
        if (!process.isAlive()) {
            throw new IllegalStateException("S3Mock ended with " + process.exitValue());
        }
        try {
            return get("").statusCode() == 200;
        } catch (ConnectException notYet) {
            return false;
        }
    }

    /** Its main class there: S3Mock has a second port, which it would open to all the network. */
    @Configuration(proxyBeanMethods = false)
    static class OnLoopback {
        @Bean
        @Order(Ordered.LOWEST_PRECEDENCE)
        WebServerFactoryCustomizer<TomcatServletWebServerFactory> onLoopback() {
            return factory -> factory.getAdditionalConnectors()
                    .forEach(connector -> connector.setProperty("address", "127.0.0.1"));
        }

        public static void main(String[] args) throws ClassNotFoundException {
            new SpringApplicationBuilder(Class.forName("com.adobe.testing.s3mock.S3MockApplication"), OnLoopback.class)
                    .run(args);
        }
    }
}
