package io.agentserver.standalone;

import org.junit.jupiter.api.Assumptions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** The command {@code podman}, with runc where there is one, as crun fails where the machine is itself a container. */
final class Podman {
    /** What a build and a container have alike: no network of their own, and no more than an unprivileged process may have. */
    private static final List<String> LIMITS =
            List.of("--network=host", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024");

    private Podman() {}

    /** What a command came to. */
    record Ended(int exit, String output) {}

    /** Skips the test where podman or the image that ours are built on is missing; with {@code CI=true} fails it. */
    static void require(String image) {
        String need = onPath("podman").isEmpty()
                ? "podman is not installed: no image was built; install it, and runc (Debian: podman, runc)"
                : tried("image", "exists", image).exit() == 0
                        ? ""
                        : "there is no image " + image
                                + ", and a test pulls none: no image was built; podman pull it, or run .ci/base-image";
        if (!need.isEmpty()) {
            assertThat(System.getenv("CI")).as(need).isNotEqualTo("true");
            Assumptions.abort(need);
        }
    }

    static void build(Path context, String file, String service, String image) {
        List<String> command = new ArrayList<>(List.of("build", "--quiet", "--pull=never"));
        command.add("--format=docker"); // OCI's has no health check
        command.addAll(LIMITS);
        command.addAll(List.of("--file", context.resolve(file).toString()));
        command.addAll(
                List.of("--ignorefile", context.resolve(file + ".dockerignore").toString()));
        command.addAll(List.of("--build-arg", "SERVICE=" + service, "--tag", image, context.toString()));
        done(command.toArray(String[]::new));
    }

    /** {@code podman run} with these options, image and arguments. */
    static Ended run(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of("run"));
        command.addAll(LIMITS);
        command.addAll(arguments);
        return tried(command.toArray(String[]::new));
    }

    /** @throws AssertionError with what podman said, if it fails */
    static String done(String... arguments) {
        Ended ended = tried(arguments);
        if (ended.exit() != 0) {
            throw new AssertionError(
                    "podman " + String.join(" ", arguments) + " ended with " + ended.exit() + ": " + ended.output());
        }
        return ended.output().strip();
    }

    static Ended tried(String... arguments) {
        List<String> command = new ArrayList<>(List.of("podman"));
        onPath("runc").ifPresent(runc -> command.addAll(List.of("--runtime", runc.toString())));
        command.addAll(Arrays.asList(arguments));
        try {
            Process podman =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            podman.getOutputStream().close();
            String output = new String(podman.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Ended(podman.waitFor(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Debian's runc is where only root looks. */
    private static Optional<Path> onPath(String command) {
        return Arrays.stream((System.getenv().getOrDefault("PATH", "") + ":/usr/sbin").split(":"))
                .map(directory -> Path.of(directory, command))
                .filter(Files::isExecutable)
                .findFirst();
    }
}
