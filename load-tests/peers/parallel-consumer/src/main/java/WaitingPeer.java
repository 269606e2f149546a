import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/** Messages with keys of their own, each handled by a call to the bench's slow service: key order, blocking handlers. */
public final class WaitingPeer {
    private WaitingPeer() {}

    /** @param arguments broker, the service's URL, messages, handlers at once */
    public static void main(String[] arguments) throws Exception {
        String kafka = arguments[0];
        URI service = URI.create(arguments[1]);
        int messages = Integer.parseInt(arguments[2]);
        int atOnce = Integer.parseInt(arguments[3]);
        String topic = "peer-" + UUID.randomUUID();
        Map<String, Object> broker = Map.of("bootstrap.servers", kafka);
        try (Admin admin = Admin.create(broker)) {
            admin.createTopics(List.of(new NewTopic(topic, 4, (short) 1))).all().get();
        }
        produce(kafka, topic, messages);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", kafka);
        settings.put("group.id", topic);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        ParallelStreamProcessor<String, String> processor =
                ParallelStreamProcessor.createEosStreamProcessor(ParallelConsumerOptions.<String, String>builder()
                        .consumer(consumer)
                        .ordering(ParallelConsumerOptions.ProcessingOrder.KEY)
                        .maxConcurrency(atOnce)
                        .build());
        processor.subscribe(List.of(topic));
        HttpClient http = HttpClient.newHttpClient();
        AtomicInteger done = new AtomicInteger();
        processor.poll(context -> {
            try {
                HttpResponse<String> answer = http.send(
                        HttpRequest.newBuilder(service)
                                .POST(HttpRequest.BodyPublishers.ofString(context.value()))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
                if (answer.statusCode() != 200) {
                    throw new IOException("status " + answer.statusCode());
                }
                done.incrementAndGet();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        while (done.get() < messages) {
            Thread.sleep(200);
        }
        processor.closeDrainFirst();
        System.exit(0);
    }

    private static void produce(String kafka, String topic, int messages) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", kafka);
        String text = "<Slow><Text>" + "some text of a usual length, ".repeat(8) + "</Text></Slow>";
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < messages; i++) {
                producer.send(new ProducerRecord<>(topic, UUID.randomUUID().toString(), text));
            }
        }
    }
}
