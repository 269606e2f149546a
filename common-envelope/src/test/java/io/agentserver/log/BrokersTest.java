package io.agentserver.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.agentserver.service.ConfigurationException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Against a real broker that takes nobody without TLS and a password. */
class BrokersTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    private static Path directory;

    private static GuardedKafka kafka;

    @TempDir
    private Path scratch;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        kafka = GuardedKafka.start(directory);
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void reads_and_writes_by_tls_as_a_user_and_tells_nobody_the_password() throws Exception {
        ListAppender<ILoggingEvent> logged = new ListAppender<>();
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        Level before = root.getLevel();
        root.setLevel(Level.INFO); // Kafka's clients write all their settings down at this level
        root.addAppender(logged);
        logged.start();
        try {
            Brokers brokers = Brokers.of(kafka.bootstrap(), right().toString());
            brokers.requireAnswer(PATIENCE);
            try (Admin admin = brokers.admin(Map.of());
                    var producer = brokers.producer(Map.of());
                    var consumer = brokers.consumer(Map.of("auto.offset.reset", "earliest", "group.id", "g"))) {
                admin.createTopics(List.of(new NewTopic("guarded", 1, (short) 1)))
                        .all()
                        .get(20, TimeUnit.SECONDS);
                producer.send(new ProducerRecord<>("guarded", "it came".getBytes(StandardCharsets.UTF_8)))
                        .get(20, TimeUnit.SECONDS);
                consumer.subscribe(List.of("guarded"));
                assertThat(next(consumer)).isEqualTo("it came");
            }
            assertThat(brokers.toString()).isEqualTo("AGENTSERVER_KAFKA=" + kafka.bootstrap());
        } finally {
            root.detachAppender(logged);
            root.setLevel(before);
        }
        assertThat(logged.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .anyMatch(line -> line.contains("sasl.jaas.config = [hidden]"))
                .noneMatch(line -> line.contains(GuardedKafka.PASSWORD));
    }

    @Test
    void says_in_one_line_that_the_password_is_wrong() throws IOException {
        Path wrong = kafka.properties("not-" + GuardedKafka.PASSWORD, kafka.itsCertificate());

        assertThatThrownBy(() -> Brokers.of(kafka.bootstrap(), wrong.toString()).requireAnswer(PATIENCE))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("AGENTSERVER_KAFKA_PROPERTIES=" + wrong + ": the brokers at "
                        + kafka.bootstrap() + " refuse the login (")
                .hasMessageEndingWith("): correct user, password or sasl.mechanism")
                .message()
                .doesNotContain(GuardedKafka.PASSWORD, "\n");
    }

    @Test
    void trusts_no_certificate_but_those_that_it_was_given() throws Exception {
        Path another = GuardedKafka.certificate(scratch, "another");
        Path wrong = kafka.properties(GuardedKafka.PASSWORD, another);

        assertThatThrownBy(() -> Brokers.of(kafka.bootstrap(), wrong.toString()).requireAnswer(PATIENCE))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("AGENTSERVER_KAFKA_PROPERTIES=" + wrong + ": no TLS with the brokers at ")
                .hasMessageContaining("ssl.truststore");
    }

    @Test
    void says_to_whom_speaks_plain_text_that_there_is_a_setting_for_tls() {
        assertThatThrownBy(() -> Brokers.plain(kafka.bootstrap()).requireAnswer(Duration.ofSeconds(3)))
                .isInstanceOf(ConfigurationException.class)
                .hasMessage("AGENTSERVER_KAFKA=" + kafka.bootstrap()
                        + ": no broker answers there: start it or correct the address; if it wants TLS or a user,"
                        + " AGENTSERVER_KAFKA_PROPERTIES says so");
    }

    @Test
    void takes_no_other_key() throws IOException {
        assertUnusable(
                "security.protocol=SSL\nacks=0", "acks is not for it: only keys that begin with security., sasl.");
        assertUnusable("security.protocol=SSL\nbootstrap.servers=k:1", "bootstrap.servers is not for it");
    }

    /** A file that was mounted empty would mean plain text. */
    @Test
    void wants_to_be_told_the_protocol() throws IOException {
        assertUnusable("", "security.protocol is missing: write SASL_SSL");
        assertUnusable("security.protocol=TLS", "security.protocol is TLS: write SASL_SSL");
        assertUnusable("security.protocol=SASL_SSL", "sasl.mechanism is missing: write SCRAM-SHA-512");
        assertThatThrownBy(() -> Brokers.of("k:1", scratch + "/nowhere"))
                .hasMessage("AGENTSERVER_KAFKA_PROPERTIES=" + scratch
                        + "/nowhere: cannot be read: name a readable properties file in UTF-8");
        assertThatCode(() -> Brokers.of("k:1", " ")).doesNotThrowAnyException();
    }

    @Test
    void repeats_nothing_of_a_login_that_is_not_understood() throws IOException {
        String line = "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=";

        assertUnusable(line + "some.Module required password=two words;", "sasl.jaas.config is not understood");
        assertUnusable(line + "some.Module required password=\"words\"", "sasl.jaas.config is not understood");
        assertUnusable("ssl.key.password=\\uwords", "is no properties file: a \\u in it is not followed");
    }

    private void assertUnusable(String text, String why) throws IOException {
        Path file = Files.writeString(scratch.resolve("kafka.properties"), text);
        assertThatThrownBy(() -> Brokers.of("k:1", file.toString()))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("AGENTSERVER_KAFKA_PROPERTIES=" + file + ": " + why)
                .hasNoCause()
                .message()
                .doesNotContain("words");
    }

    private static Path right() throws IOException {
        return kafka.properties(GuardedKafka.PASSWORD, kafka.itsCertificate());
    }

    private static String next(Consumer<byte[], byte[]> consumer) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            for (var record : consumer.poll(Duration.ofMillis(200))) {
                return new String(record.value(), StandardCharsets.UTF_8);
            }
        }
        throw new AssertionError("no record within " + PATIENCE);
    }
}
