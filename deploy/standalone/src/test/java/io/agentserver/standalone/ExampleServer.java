package io.agentserver.standalone;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The Python program of an example as a process, on a port that the system chose. */
record ExampleServer(Process process, BufferedReader output, String url, Path log) implements AutoCloseable {
    /** Empty: this machine has no python3. */
    static Optional<ExampleServer> start(String example, Path log) {
        ProcessBuilder command =
                new ProcessBuilder("python3", "../../examples/" + example + "/server.py").redirectError(log.toFile());
        command.environment().put("PORT", "0");
        command.environment().remove("WEBHOOK_SECRET");
        Process process;
        try {
            process = command.start();
        } catch (IOException e) {
            return Optional.empty();
        }
        try {
            BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
            String said = output.readLine();
            if (said == null) {
                throw new AssertionError("the example's server ended: " + Files.readString(log));
            }
            return Optional.of(new ExampleServer(process, output, said.substring(said.indexOf("http://")), log));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it prints next that contains this. */
    String line(String part) throws IOException {
        String line = output.readLine();
        while (line != null && !line.contains(part)) {
            line = output.readLine();
        }
        return Objects.requireNonNull(line, "the example's server ended");
    }

    int statusOfUnsigned(HttpClient http, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
