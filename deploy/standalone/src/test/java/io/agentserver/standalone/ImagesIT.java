package io.agentserver.standalone;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** The images of the five services, built as deploy/Dockerfile says and run by podman; skipped where there is none. */
class ImagesIT {
    @BeforeAll
    static void build() throws Exception {
        Podman.require(FiveContainers.baseImage());
        FiveContainers.build();
    }

    @AfterAll
    static void forget() {
        FiveContainers.SERVICES.forEach(service -> Podman.tried("rmi", "--force", FiveContainers.image(service)));
    }

    @Test
    void answer_a_message_together_and_end_well_when_they_are_told_to(@TempDir Path home) throws Exception {
        try (FiveContainers five = FiveContainers.start(home);
                HttpClient http = HttpClient.newHttpClient()) {
            for (String service : FiveContainers.SERVICES) {
                assertThat(five.in(service, "id", "-u").output()).isEqualTo("10001\n");
                assertThat(five.in(service, "touch", "/service/x").output()).contains("Read-only file system");
            }
            assertThat(five.in("gateway-service", "env", "AGENTSERVER_GATEWAY_MANAGEMENT_PORT=1", "/service/healthy")
                            .exit())
                    .isNotZero();

            Client demo = new Client(http, five.gateway(), new DemoTenant(five.gateway(), five.secrets()).ensure());
            HttpResponse<String> answer = demo.sendXml(
                    Files.readString(Path.of("../../examples/hello-world/greeting.xml")), Map.of("Prefer", "wait=60"));
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            assertThat(answer.body()).contains("ShoutedResponse");

            for (String service : FiveContainers.SERVICES) {
                assertThat(five.stop(service))
                        .as(() -> service + ": " + five.log(service))
                        .isZero();
            }
        }
    }

    @Test
    void warn_of_a_cache_that_does_not_fit_and_start_without_it() {
        Podman.Ended ended = Podman.run(List.of(
                "--rm",
                "--entrypoint=java",
                FiveContainers.image("buffer-service"),
                "@/service/jvm.options",
                "-XX:AOTCache=/service/service.aot",
                "-XX:-UseCompactObjectHeaders",
                "-version"));

        assertThat(ended.exit()).as(ended.output()).isZero();
        assertThat(ended.output()).contains("[warning]").contains("AOT");
    }
}
