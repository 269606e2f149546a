package bare;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * A body in, onto the log with the settings that the gateway's producer has, 202 when the log has acknowledged it; nothing else.
 * Arguments: {@code mvc} (on virtual threads) or {@code webflux}, the port, the broker.
 */
@SpringBootApplication
public class BareHttp {
    static final byte[] ACCEPTED =
            "{\"message_id\":\"0199c0de-7a11-7000-8000-000000000001\",\"thread_id\":\"0199c0de-7a11-7000-8000-000000000001\",\"turn_id\":\"0199c0de-7a11-7000-8000-000000000001\",\"status\":\"accepted\"}"
                    .getBytes(StandardCharsets.UTF_8);

    public static void main(String[] arguments) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[2]))) {
            if (!admin.listTopics().names().get().contains("bare")) {
                admin.createTopics(List.of(new NewTopic("bare", 6, (short) 1))).all().get();
            }
        }
        SpringApplication application = new SpringApplication(BareHttp.class);
        boolean mvc = arguments[0].equals("mvc");
        application.setWebApplicationType(mvc ? WebApplicationType.SERVLET : WebApplicationType.REACTIVE);
        application.setDefaultProperties(Map.of(
                "spring.threads.virtual.enabled", String.valueOf(mvc),
                "server.address", "127.0.0.1",
                "server.port", arguments[1],
                "server.tomcat.max-connections", "10000",
                "broker", arguments[2],
                "spring.main.banner-mode", "off",
                "stack", arguments[0]));
        application.run();
    }

    @Bean
    KafkaProducer<byte[], byte[]> producer(@org.springframework.beans.factory.annotation.Value("${broker}") String broker) {
        return new KafkaProducer<>(
                Map.of(
                        "bootstrap.servers", broker,
                        "acks", "all",
                        "enable.idempotence", true,
                        "compression.type", "lz4",
                        "linger.ms", 1),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }

    static ProducerRecord<byte[], byte[]> record(byte[] body) {
        return new ProducerRecord<>("bare", UUID.randomUUID().toString().getBytes(StandardCharsets.UTF_8), body);
    }

    @RestController
    @org.springframework.boot.autoconfigure.condition.ConditionalOnProperty(name = "stack", havingValue = "mvc")
    static class Blocking {
        private final KafkaProducer<byte[], byte[]> producer;

        Blocking(KafkaProducer<byte[], byte[]> producer) {
            this.producer = producer;
        }

        @PostMapping("/v1/messages")
        ResponseEntity<byte[]> post(@RequestBody byte[] body) throws Exception {
            producer.send(record(body)).get();
            return ResponseEntity.accepted().body(ACCEPTED);
        }
    }

    @RestController
    @org.springframework.boot.autoconfigure.condition.ConditionalOnProperty(name = "stack", havingValue = "webflux")
    static class Reactive {
        private final KafkaProducer<byte[], byte[]> producer;

        Reactive(KafkaProducer<byte[], byte[]> producer) {
            this.producer = producer;
        }

        @PostMapping("/v1/messages")
        Mono<ResponseEntity<byte[]>> post(@RequestBody byte[] body) {
            return Mono.create(sink -> producer.send(record(body), (metadata, failure) -> {
                if (failure == null) {
                    sink.success(ResponseEntity.accepted().body(ACCEPTED));
                } else {
                    sink.error(failure);
                }
            }));
        }
    }
}
