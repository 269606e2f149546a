package io.agentserver.pump.log;

import io.agentserver.service.ConfigurationException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Whether the brokers that were configured answer: a wrong address stops a start instead of waiting for ever. */
public final class KafkaProbe {
    private KafkaProbe() {}

    /** @throws ConfigurationException in one line, if none answers in that time */
    public static void requireAnswer(String bootstrap, Duration patience) {
        try (Admin admin = Admin.create(Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) patience.toMillis(),
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) patience.toMillis()))) {
            admin.describeCluster().nodes().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            throw new ConfigurationException(
                    "AGENTSERVER_KAFKA=" + bootstrap + ": no broker answers there: start it or correct the address", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConfigurationException("interrupted while waiting for AGENTSERVER_KAFKA=" + bootstrap, e);
        }
    }
}
