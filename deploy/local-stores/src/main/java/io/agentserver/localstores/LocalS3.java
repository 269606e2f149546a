package io.agentserver.localstores;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * Adobe's S3Mock, which speaks S3 over HTTP and keeps objects as files, on 127.0.0.1, in a process of its own: its jar has a Spring
 * of its own. It asks nobody who he is; what a role may do is for deploy/aws. For tests, whose class path has its jar
 * ({@code com.adobe.testing:s3mock:exec}).
 */
public final class LocalS3 implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final HttpClient http = HttpClient.newHttpClient();
    private final Process process;
    private final int port;
    private final String bucket;

    private LocalS3(Process process, int port, String bucket) {
        this.process = process;
        this.port = port;
        this.bucket = bucket;
    }

    /**
     * Blocks until it answers, some seconds.
     *
     * @param directory for its objects; its log stands beside it
     * @param bucket the first of these, with commas, is the one that {@link #get} reads
     * @throws LocalStoreException if it does not start
     */
    public static LocalS3 start(Path directory, String bucket) {
        try {
            Files.createDirectories(directory);
            int port = FreePorts.take();
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx256m",
                            "-XX:TieredStopAtLevel=1",
                            "-Dloader.path=" + ownClasses(),
                            "-Dloader.main=" + S3MockOnLoopbackApplication.class.getName(),
                            "-cp",
                            jar(),
                            "org.springframework.boot.loader.launch.PropertiesLauncher",
                            "--server.port=" + port,
                            "--server.ssl.enabled=false",
                            "--server.address=127.0.0.1",
                            "--com.adobe.testing.s3mock.httpPort=" + FreePorts.take(),
                            "--com.adobe.testing.s3mock.store.root=" + directory.toAbsolutePath(),
                            "--com.adobe.testing.s3mock.store.retain-files-on-exit=true",
                            "--com.adobe.testing.s3mock.store.initial-buckets=" + bucket)
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolveSibling("s3mock.log").toFile())
                    .start();
            LocalS3 s3 = new LocalS3(process, port, bucket.split(",", -1)[0]);
            s3.awaitAnswer();
            return s3;
        } catch (IOException failed) {
            throw new LocalStoreException("S3Mock did not start: " + failed, failed);
        }
    }

    public String url() {
        return "http://127.0.0.1:" + port;
    }

    /** An object, read as anybody may. */
    public HttpResponse<String> get(String object) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create(url() + "/" + bucket + "/" + object))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** SIGKILL; returns when it is gone. Its objects stay. */
    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
        http.close();
    }

    private void awaitAnswer() throws IOException {
        long end = System.nanoTime() + START_LIMIT.toNanos();
        try {
            while (!answers()) {
                if (!process.isAlive() || System.nanoTime() > end) {
                    process.destroyForcibly();
                    throw new LocalStoreException("S3Mock did not start: see s3mock.log beside its directory");
                }
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new LocalStoreException("interrupted while S3Mock started", e);
        }
    }

    private boolean answers() throws IOException, InterruptedException {
        try {
            return get("").statusCode() == 200;
        } catch (ConnectException notYet) {
            return false;
        }
    }

    private static String jar() {
        return Arrays.stream(System.getProperty("java.class.path").split(":", -1))
                .filter(entry -> entry.contains("s3mock") && entry.endsWith("-exec.jar"))
                .findFirst()
                .orElseThrow(() -> new LocalStoreException(
                        "S3Mock's jar is not on the class path: add com.adobe.testing:s3mock:exec to the tests"));
    }

    private static Path ownClasses() {
        return Path.of(LocalS3.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
    }
}
