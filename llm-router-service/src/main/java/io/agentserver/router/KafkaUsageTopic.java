package io.agentserver.router;

import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.service.ConfigurationException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TopicExistsException;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The topic {@code usage}, made if it is not there: the router writes it, so the router cannot wait for another to. */
final class KafkaUsageTopic {
    private static final int PARTITIONS = 6;

    private KafkaUsageTopic() {}

    /** @throws ConfigurationException if no broker answers in time, or it refuses */
    static void ensure(Brokers brokers, int replication, Duration patience) {
        NewTopic usage = new NewTopic(Topics.USAGE, Optional.of(PARTITIONS), Optional.of((short) replication))
                .configs(Map.of("retention.ms", "-1")); // money: billing reads at its own pace
        try (Admin admin = brokers.admin(Map.of(
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, Math.toIntExact(patience.toMillis()),
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, Math.toIntExact(patience.toMillis())))) {
            admin.createTopics(List.of(usage)).all().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException failed) {
            if (!(failed.getCause() instanceof TopicExistsException)) {
                throw unusable(brokers, failed);
            }
        } catch (TimeoutException | KafkaException failed) {
            throw unusable(brokers, failed);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            throw unusable(brokers, stopping);
        }
    }

    private static ConfigurationException unusable(Brokers brokers, Exception failure) {
        Throwable cause = failure.getCause() == null ? failure : failure.getCause();
        return brokers.unreachable("no broker there gives the topic usage (" + cause.getMessage() + ")", failure);
    }
}
