package io.agentserver.log;

import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.security.JaasContext;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Where the log is and how its brokers want to be spoken to. Every Kafka client of the platform is opened here, so that TLS and
 * a user are a matter of one file: none of it is ever logged, nor part of a message. Safe on any thread.
 */
public final class Brokers {
    /** Of the file's keys; what else a client is told is ours. */
    private static final List<String> PREFIXES = List.of("security.", "sasl.", "ssl.");

    private final String bootstrap;
    private final String file;
    private final Map<String, String> connection;

    private Brokers(String bootstrap, String file, Map<String, String> connection) {
        this.bootstrap = bootstrap;
        this.file = file;
        this.connection = Map.copyOf(connection);
    }

    /** @param bootstrap host:port of brokers that speak plain text, with commas */
    public static Brokers plain(String bootstrap) {
        return new Brokers(bootstrap, "", Map.of());
    }

    /**
     * @param bootstrap host:port of the brokers, with commas
     * @param file properties in Kafka's own words, {@code security.protocol} and so on; empty: plain text
     * @throws ConfigurationException if it cannot be read, or has other keys, or no client takes it
     */
    public static Brokers of(String bootstrap, String file) {
        if (file.isBlank()) {
            return plain(bootstrap);
        }
        Map<String, String> connection = read(file);
        for (String key : connection.keySet()) {
            if (PREFIXES.stream().noneMatch(key::startsWith)) {
                throw unusable(
                        file, key + " is not for it: only keys that begin with security., sasl. or ssl. are", null);
            }
        }
        requireProtocol(file, connection);
        requireLogin(file, connection);
        return new Brokers(bootstrap, file, connection);
    }

    /** host:port, with commas. */
    public String bootstrap() {
        return bootstrap;
    }

    /** It tries to connect when it is used. */
    public Admin admin(Map<String, Object> settings) {
        return Admin.create(with(settings));
    }

    /** Of bytes; it tries to connect when it is used. */
    public KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> settings) {
        Map<String, Object> all = with(settings);
        // whoever reads must not make a topic by it: with our partitions and replicas, or not at all
        all.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        all.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false); // what is committed has taken effect
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Of bytes: idempotent, {@code acks=all}, compressed (CONTRACTS 3). It begins to connect at once. */
    public KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
        Map<String, Object> all = with(settings);
        all.put("acks", "all");
        all.put("enable.idempotence", true);
        all.put("compression.type", "lz4");
        all.put("linger.ms", 1);
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /**
     * A wrong address, user or certificate stops a start instead of being retried for ever.
     *
     * @throws ConfigurationException in one line, if no broker answers in that time
     */
    public void requireAnswer(Duration patience) {
        int millis = Math.toIntExact(patience.toMillis());
        try (Admin admin = admin(Map.of(
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, millis,
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, millis))) {
            admin.describeCluster().nodes().get(millis, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            throw unreachable("no broker answers there", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + this, e);
        }
    }

    /**
     * What to tell the operator of a client that did not get through.
     *
     * @param otherwise what is wrong if it is neither the user nor TLS
     */
    public ConfigurationException unreachable(String otherwise, Exception failure) {
        Throwable cause = failure;
        while (cause instanceof ExecutionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof SslAuthenticationException) {
            return unusable(
                    file,
                    "no TLS with the brokers at " + bootstrap + " (" + innermost(cause)
                            + "): correct ssl.truststore.* or the address, which must be in their certificate",
                    failure);
        }
        if (cause instanceof AuthenticationException) {
            return unusable(
                    file,
                    "the brokers at " + bootstrap + " refuse the login (" + cause.getMessage()
                            + "): correct user, password or sasl.mechanism",
                    failure);
        }
        return new ConfigurationException(
                Setting.AGENTSERVER_KAFKA + "=" + bootstrap + ": " + otherwise + ": start it or correct the address"
                        + (file.isEmpty()
                                ? "; if it wants TLS or a user, " + Setting.AGENTSERVER_KAFKA_PROPERTIES + " says so"
                                : ""),
                failure);
    }

    /** Without a secret. */
    @Override
    public String toString() {
        return Setting.AGENTSERVER_KAFKA + "=" + bootstrap;
    }

    private Map<String, Object> with(Map<String, Object> settings) {
        Map<String, Object> all = new HashMap<>(connection);
        all.putAll(settings);
        all.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        return all;
    }

    private static Map<String, String> read(String file) {
        Properties properties = new Properties();
        try (Reader text = Files.newBufferedReader(Path.of(file))) {
            properties.load(text);
        } catch (IOException e) {
            throw unusable(file, "cannot be read: name a readable properties file in UTF-8", e);
        } catch (IllegalArgumentException e) {
            // its message may repeat a part of a password
            throw unusable(file, "is no properties file: a \\u in it is not followed by four hexadecimal digits", null);
        }
        Map<String, String> connection = new HashMap<>();
        properties
                .stringPropertyNames()
                .forEach(key -> connection.put(key, properties.getProperty(key).strip()));
        return connection;
    }

    /** A file without it would be obeyed by speaking plain text. */
    private static void requireProtocol(String file, Map<String, String> connection) {
        String protocol = connection.get(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG);
        if (protocol == null
                || !List.of("SSL", "SASL_SSL", "SASL_PLAINTEXT", "PLAINTEXT").contains(protocol)) {
            throw unusable(
                    file,
                    "security.protocol is " + (protocol == null ? "missing" : protocol)
                            + ": write SASL_SSL, SSL, SASL_PLAINTEXT or PLAINTEXT",
                    null);
        }
        if (protocol.startsWith("SASL_") && !connection.containsKey(SaslConfigs.SASL_MECHANISM)) {
            throw unusable(
                    file, "sasl.mechanism is missing: write SCRAM-SHA-512, PLAIN or what the brokers take", null);
        }
    }

    /** Kafka's own message about a misspelt one may repeat a part of a password. */
    private static void requireLogin(String file, Map<String, String> connection) {
        String login = connection.get(SaslConfigs.SASL_JAAS_CONFIG);
        if (login == null) {
            return;
        }
        try {
            JaasContext.loadClientContext(Map.of(SaslConfigs.SASL_JAAS_CONFIG, new Password(login)));
        } catch (IllegalArgumentException | KafkaException e) {
            throw unusable(
                    file,
                    "sasl.jaas.config is not understood: write <login module> required username=\"…\" password=\"…\";",
                    null);
        }
    }

    private static ConfigurationException unusable(String file, String why, @Nullable Exception cause) {
        String message = Setting.AGENTSERVER_KAFKA_PROPERTIES + "=" + file + ": " + why;
        return cause == null ? new ConfigurationException(message) : new ConfigurationException(message, cause);
    }

    private static String innermost(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage());
    }
}
