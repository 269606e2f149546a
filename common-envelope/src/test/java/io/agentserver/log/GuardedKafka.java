package io.agentserver.log;

import io.agentserver.localstores.LocalKafka;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A real broker that speaks TLS alone, and asks for a user. Its certificate is made anew, by the JDK's keytool. */
final class GuardedKafka implements AutoCloseable {
    static final String PASSWORD = "tell-nobody-4711";
    private static final String STORE_PASSWORD = "changeit-0815";

    private final LocalKafka kafka;
    private final Path directory;

    private GuardedKafka(LocalKafka kafka, Path directory) {
        this.kafka = kafka;
        this.directory = directory;
    }

    static GuardedKafka start(Path directory) throws IOException, InterruptedException {
        certificate(directory, "broker");
        String user =
                "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"broker\" password=\"b\""
                        + " user_broker=\"b\" user_agentserver=\"" + PASSWORD + "\";";
        LocalKafka kafka = LocalKafka.startWith(
                directory,
                Map.of(
                        "listener.security.protocol.map",
                        "BROKER:SASL_SSL,CONTROLLER:PLAINTEXT",
                        "sasl.enabled.mechanisms",
                        "PLAIN",
                        "sasl.mechanism.inter.broker.protocol",
                        "PLAIN",
                        "listener.name.broker.plain.sasl.jaas.config",
                        user,
                        "ssl.keystore.location",
                        directory.resolve("broker.p12").toString(),
                        "ssl.keystore.password",
                        STORE_PASSWORD,
                        "ssl.truststore.type",
                        "PEM",
                        "ssl.truststore.location",
                        directory.resolve("broker.pem").toString()));
        return new GuardedKafka(kafka, directory);
    }

    String bootstrap() {
        return kafka.bootstrap();
    }

    /** A properties file as docs/configuration.md shows it. */
    Path properties(String password, Path trusted) throws IOException {
        return Files.writeString(directory.resolve("kafka.properties"), """
                security.protocol=SASL_SSL
                sasl.mechanism=PLAIN
                sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
                  username="agentserver" password="%s";
                ssl.truststore.type=PEM
                ssl.truststore.location=%s
                """.formatted(password, trusted));
    }

    Path itsCertificate() {
        return directory.resolve("broker.pem");
    }

    @Override
    public void close() {
        kafka.close();
    }

    /** Makes {@code name.p12}, which has the key, and {@code name.pem}. */
    static Path certificate(Path directory, String name) throws IOException, InterruptedException {
        Path store = directory.resolve(name + ".p12");
        Path pem = directory.resolve(name + ".pem");
        keytool(
                store,
                "-genkeypair",
                "-alias",
                name,
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + name,
                "-ext",
                "san=ip:127.0.0.1");
        keytool(store, "-exportcert", "-rfc", "-alias", name, "-file", pem.toString());
        return pem;
    }

    private static void keytool(Path store, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(arguments));
        command.addAll(List.of("-storetype", "PKCS12", "-keystore", store.toString(), "-storepass", STORE_PASSWORD));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException("keytool: " + said);
        }
    }
}
