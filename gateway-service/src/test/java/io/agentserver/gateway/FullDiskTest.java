package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.ChildJvm;
import io.agentserver.localstores.LocalKafka;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.RecordHeaders;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** A broker whose files may grow no more, as on a disk that is full: it stops, and what it had acknowledged is there afterwards. */
class FullDiskTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int MOST = 100;
    private static final int TEXT = 100_000;

    private final String tenant = "f" + Ids.v7().toString().substring(0, 35).replace("-", "x");
    private final Random random = new Random(42); // what compresses would not fill it

    /** A broker in a process of its own. */
    static final class Broker {
        public static void main(String[] arguments) throws IOException {
            try (LocalKafka broker = LocalKafka.start(Path.of(arguments[0]), Integer.parseInt(arguments[1]))) {
                System.out.println("ready " + broker.port());
                while (System.in.read() >= 0) {
                    // until its owner ends
                }
            }
        }
    }

    @Test
    void is_503_with_the_ids_to_repeat_it_with_and_nothing_that_was_acknowledged_is_lost() throws Exception {
        Optional<Path> prlimit = Stream.of("/usr/bin/prlimit", "/bin/prlimit")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst();
        assumeTrue(prlimit.isPresent(), "a file's size is limited by prlimit (util-linux), which is not here");
        try (LocalStores stores = RunningGateway.stores();
                RunningGateway gateway = RunningGateway.on(stores)) {
            String key = gateway.createTenant(tenant);
            assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status())
                    .isEqualTo(200);
            Path directory = stores.directory().resolve("kafka");
            int port = stores.kafka().port();
            stores.kafka().close();
            List<String> acknowledged = new ArrayList<>();
            Answer refused;
            try (ChildJvm broker = ChildJvm.start(Broker.class, directory.toString(), String.valueOf(port))) {
                broker.awaitLine("ready ", LIMIT);
                Awaitility.await().atMost(LIMIT).until(() -> isAccepted(send(gateway, key), acknowledged));
                limit(prlimit.get(), broker.pid(), 10 * TEXT);
                refused = sendUntilRefused(gateway, key, acknowledged);
                assertThat(broker.handle().onExit())
                        .as("it ends, as a broker without a directory does")
                        .succeedsWithin(LIMIT);
            }
            assertThat(refused.status()).as(refused.body()).isEqualTo(503);
            assertThat(refused.problem()).isEqualTo("unavailable");
            assertThat(refused.header("Retry-After")).isNotEmpty();
            String id = refused.json().path("message_id").asString();
            String thread = refused.json().path("thread_id").asString();

            try (LocalKafka back = LocalKafka.start(directory, port)) {
                String byIds = greeting("<thread>" + thread
                        + "</thread><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + id + "</id>");
                Awaitility.await()
                        .atMost(LIMIT)
                        .until(() -> gateway.post("/v1/messages", key, "application/xml", byIds)
                                        .status()
                                == 202);
                acknowledged.add(id);
                Set<String> there = LogReader.all(stores, tenant).stream()
                        .map(record -> new String(
                                record.headers()
                                        .lastHeader(RecordHeaders.MESSAGE_ID)
                                        .value(),
                                StandardCharsets.UTF_8))
                        .collect(Collectors.toSet());
                assertThat(there).as("on " + back.bootstrap()).containsAll(acknowledged);
            }
        }
    }

    private Answer sendUntilRefused(RunningGateway gateway, String key, List<String> acknowledged) {
        for (int i = 0; i < MOST; i++) {
            Answer answer = send(gateway, key);
            if (!isAccepted(answer, acknowledged)) {
                return answer;
            }
        }
        throw new AssertionError("the broker has taken " + MOST + " messages of " + TEXT + " bytes and more");
    }

    private Answer send(RunningGateway gateway, String key) {
        return gateway.post("/v1/messages", key, "application/xml", greeting(""));
    }

    private static boolean isAccepted(Answer answer, List<String> acknowledged) {
        if (answer.status() != 202) {
            return false;
        }
        return acknowledged.add(answer.json().path("message_id").asString());
    }

    private String greeting(String ids) {
        String text = random.ints(TEXT, 'a', 'z' + 1)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        return AdmissionTest.envelope(
                "<from>c</from>" + ids, "<Greeting xmlns=\"\"><Name>" + text + "</Name></Greeting>");
    }

    /** Of each file, whoever has it open. */
    private static void limit(Path prlimit, long pid, long bytes) throws Exception {
        Process limiting = new ProcessBuilder(prlimit.toString(), "--pid", String.valueOf(pid), "--fsize=" + bytes)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(limiting.waitFor()).isZero();
    }
}
