package io.agentserver.standalone.faults;

import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalKafka;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/** {@code main}: a broker, or DynamoDB Local, as a process that can be killed and started again on its port. */
final class StoreProcess {
    private StoreProcess() {}

    /** @param arguments kafka or dynamodb, its directory, its port; of kafka also detours, {@code listening=told} */
    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[1]);
        int port = Integer.parseInt(arguments[2]);
        Map<Integer, Integer> detours = Arrays.stream(arguments)
                .skip(3)
                .map(detour -> detour.split("=", 2))
                .collect(Collectors.toMap(ports -> Integer.valueOf(ports[0]), ports -> Integer.valueOf(ports[1])));
        try (AutoCloseable store = arguments[0].equals("kafka")
                ? LocalKafka.start(directory, port, detours)
                : LocalDynamo.start(directory, port)) {
            System.out.println("ready");
            while (System.in.read() >= 0) {
                // its end is ours
            }
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        System.exit(0); // DynamoDB Local leaves a thread behind, for which the process would stay
    }
}
