package io.agentserver.pump;

import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Topics;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

class PumpApplicationTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @Test
    void starts_becomes_ready_with_its_buffer_and_shows_its_metrics_at_zero() throws Exception {
        int bufferPort = FreePorts.take();
        int management = FreePorts.take();
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("kafka"), 0)) {
            try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()))) {
                admin.createTopics(List.of(
                                new NewTopic(Topics.TENANTS, 1, (short) 1),
                                new NewTopic(Topics.messages(new TenantId("demo")), 2, (short) 1)))
                        .all()
                        .get();
            }
            try (ConfigurableApplicationContext pump = start(settings(kafka.bootstrap(), bufferPort, management))) {
                assertThat(pump.isRunning()).isTrue();
                assertThat(get(management, "/actuator/health/liveness").statusCode())
                        .isEqualTo(200);
                await().atMost(Duration.ofSeconds(30))
                        .untilAsserted(() -> assertThat(get(management, "/actuator/health/readiness")
                                        .statusCode())
                                .isEqualTo(503)); // no buffer yet
                Server buffer = NettyServerBuilder.forPort(bufferPort).build().start();
                try {
                    await().atMost(Duration.ofSeconds(60))
                            .untilAsserted(() -> assertThat(get(management, "/actuator/health/readiness")
                                            .statusCode())
                                    .isEqualTo(200));
                } finally {
                    buffer.shutdownNow();
                }
                assertThat(get(management, "/actuator/prometheus").body())
                        // of nobody, or of whoever has a topic, as soon as the pump has its partitions
                        .containsPattern("agentserver_queue_size\\{tenant=\"(demo)?\"} 0\\.0")
                        .containsPattern("agentserver_queue_age_seconds\\{tenant=\"(demo)?\"} 0\\.0")
                        .contains(
                                "agentserver_rejected_total{reason=\"unverifiable-record\"} 0.0",
                                "agentserver_dead_letters_total 0.0",
                                "agentserver_pump_stalled_total 0.0",
                                "agentserver_lanes 0.0");
            }
        }
    }

    @Test
    void says_in_one_line_which_setting_is_wrong() throws Exception {
        Map<String, String> settings = settings("127.0.0.1:" + FreePorts.take(), FreePorts.take(), FreePorts.take());
        assertThatThrownBy(() -> start(settings))
                .satisfies(e -> assertThat(ServiceApplication.reason(e))
                        .startsWith("AGENTSERVER_KAFKA=127.0.0.1:")
                        .contains("start it or correct the address"));

        settings.put("AGENTSERVER_KAFKA_PROPERTIES", "/nowhere");
        assertThatThrownBy(() -> start(settings))
                .satisfies(e -> assertThat(ServiceApplication.reason(e))
                        .startsWith("AGENTSERVER_KAFKA_PROPERTIES=/nowhere: cannot be read"));
        settings.put("AGENTSERVER_PLATFORM_SECRET", "c2hvcnQ=");
        assertThatThrownBy(() -> start(settings))
                .satisfies(e -> assertThat(ServiceApplication.reason(e)).contains("AGENTSERVER_"));
        settings.put("AGENTSERVER_LLM_URL", "nowhere");
        assertThatThrownBy(() -> start(settings))
                .satisfies(e -> assertThat(ServiceApplication.reason(e)).startsWith("AGENTSERVER_LLM_URL=nowhere"));
    }

    private static ConfigurableApplicationContext start(Map<String, String> settings) {
        return ServiceApplication.start(PumpApplication.class, "pump", settings);
    }

    private Map<String, String> settings(String kafka, int bufferPort, int management) throws IOException {
        Path key = directory.resolve("key.json");
        PlatformKeys.createIfAbsent(key);
        Map<String, String> settings = new HashMap<>();
        settings.put("AGENTSERVER_KAFKA", kafka);
        settings.put("AGENTSERVER_PLATFORM_KEY", key.toString());
        settings.put("AGENTSERVER_PLATFORM_SECRET", Base64.getEncoder().encodeToString(new byte[32]));
        settings.put("AGENTSERVER_BUFFER_ADDRESS", "127.0.0.1:" + bufferPort);
        settings.put("AGENTSERVER_PUMP_MANAGEMENT_PORT", Integer.toString(management));
        settings.put("AGENTSERVER_BIND", "127.0.0.1");
        settings.put("AGENTSERVER_LOG_FORMAT", "text");
        return settings;
    }

    private static HttpResponse<String> get(int port, String path) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }
}
