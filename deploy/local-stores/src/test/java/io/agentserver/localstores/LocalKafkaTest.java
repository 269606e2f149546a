package io.agentserver.localstores;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
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
    void creates_no_topic_that_nobody_asked_for() {
        try (LocalKafka kafka = LocalKafka.start(directory, 0)) {
            assertThatThrownBy(() -> StoreClients.append(kafka.bootstrap(), "misspelt", "lost"))
                    .hasMessageContaining("misspelt not present in metadata");
        }
    }
}
