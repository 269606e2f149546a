package io.agentserver.localstores;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class LocalKafkaTest {
    @TempDir
    private Path directory;

    @Test
    void keeps_what_it_acknowledged_over_a_restart_on_another_port() {
        try (LocalKafka kafka = LocalKafka.start(directory, 0)) {
            StoreClients.createTopic(kafka.bootstrap(), "messages.demo");
            StoreClients.append(kafka.bootstrap(), "messages.demo", "before");
            assertThat(StoreClients.read(kafka.bootstrap(), "first", Pattern.compile("messages\\..*"), 1))
                    .containsExactly("before");
        }
        try (LocalKafka kafka = LocalKafka.start(directory, FreePorts.take())) {
            StoreClients.append(kafka.bootstrap(), "messages.demo", "after");
            assertThat(StoreClients.read(kafka.bootstrap(), "first", Pattern.compile("messages\\..*"), 1))
                    .as("the group's offset is kept, too")
                    .containsExactly("after");
            assertThat(StoreClients.read(kafka.bootstrap(), "second", Pattern.compile("messages\\..*"), 2))
                    .containsExactly("before", "after");
        }
    }

    @Test
    void tells_those_who_ask_at_a_further_port_to_connect_to_another() throws Exception {
        int listening = FreePorts.take();
        try (ServerSocket proxy = new ServerSocket(FreePorts.take(), 1, InetAddress.getLoopbackAddress());
                LocalKafka _ = LocalKafka.start(directory, 0, Map.of(listening, proxy.getLocalPort()));
                Admin admin =
                        Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, "127.0.0.1:" + listening))) {
            admin.listTopics();
            proxy.setSoTimeout(20_000);
            try (Socket client = proxy.accept()) {
                assertThat(client.isConnected()).isTrue();
            }
            admin.close(Duration.ZERO);
        }
    }

    @Test
    void creates_no_topic_that_nobody_asked_for() {
        try (LocalKafka kafka = LocalKafka.start(directory, 0)) {
            assertThatThrownBy(() -> StoreClients.append(kafka.bootstrap(), "misspelt", "lost"))
                    .hasMessageContaining("misspelt not present in metadata");
        }
    }
}
