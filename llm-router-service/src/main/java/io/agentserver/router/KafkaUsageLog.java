package io.agentserver.router;

import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.usage.UsageRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Usage records to the topic {@code usage}. Safe on any thread.
 *
 * <p>A record is sent until the log has it, for as long as this process lives. {@link #append} waits for that a short
 * while; if it takes longer, the log counts as closed until it takes a record again, and the router calls no model
 * meanwhile: what can be lost by a crash is at most what was under way when the log went away. A record that is sent twice
 * is posted once, by its receipt.
 */
final class KafkaUsageLog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaUsageLog.class);
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

    private final Producer<byte[], byte[]> producer;
    private final Duration patience;
    private final Set<UsageRecord> unacknowledged = ConcurrentHashMap.newKeySet();
    private volatile boolean open = true;
    private volatile boolean closing;

    /** @param patience how long {@link #append} waits for the acknowledgement */
    KafkaUsageLog(Brokers brokers, Duration patience) {
        this.patience = patience;
        this.producer = brokers.producer(Map.of(
                ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                5_000,
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                30_000,
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                patience.toMillis(),
                ProducerConfig.CLIENT_ID_CONFIG,
                "llm-router"));
    }

    /** Whether the last record that was waited for is on the log. */
    boolean isOpen() {
        return open;
    }

    /** How many records the log has not taken yet. */
    int waiting() {
        return unacknowledged.size();
    }

    void append(UsageRecord record) {
        append(record, () -> {});
    }

    /** @param taken run when the log has it, at once or much later, on the producer's thread: it must not block */
    void append(UsageRecord record, Runnable taken) {
        CompletableFuture<Void> acknowledged = begin(record, taken);
        try {
            acknowledged.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException notYet) {
            closedBecause("no acknowledgement within " + patience);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt(); // the record is on its way all the same
        } catch (ExecutionException impossible) {
            throw new IllegalStateException("only ever completed normally", impossible);
        }
    }

    /** As {@link #append}, and waits for nothing; the log counts as closed when it has refused it. */
    void appendLater(UsageRecord record, Runnable taken) {
        var _ = begin(record, taken);
    }

    private CompletableFuture<Void> begin(UsageRecord record, Runnable taken) {
        unacknowledged.add(record);
        CompletableFuture<Void> acknowledged = new CompletableFuture<>();
        var _ = acknowledged.thenRun(taken);
        send(record, acknowledged);
        return acknowledged;
    }

    /** Waits for what is on its way; what the log does not take is written to the log file for a hand to post it. */
    @Override
    public void close() {
        closing = true;
        producer.close(CLOSE_LIMIT);
        unacknowledged.forEach(lost -> LOG.error(
                "usage record not on the log, post it by hand: {}", new String(lost.toJson(), StandardCharsets.UTF_8)));
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the callback is told of the same outcome
    private void send(UsageRecord record, CompletableFuture<Void> acknowledged) {
        byte[] key = record.tenant().getBytes(StandardCharsets.UTF_8);
        try {
            producer.send(new ProducerRecord<>(Topics.USAGE, key, record.toJson()), (metadata, failure) -> {
                if (failure == null) {
                    unacknowledged.remove(record);
                    acknowledged.complete(null);
                    reopened();
                } else {
                    sendAgain(record, acknowledged, failure);
                }
            });
        } catch (KafkaException | IllegalStateException failure) {
            sendAgain(record, acknowledged, failure);
        }
    }

    /** On a thread of its own: the callback's is the producer's, which must not wait for itself. */
    private void sendAgain(UsageRecord record, CompletableFuture<Void> acknowledged, Exception failure) {
        closedBecause(failure.toString());
        if (closing) {
            return;
        }
        Thread.ofVirtual().name("usage-again").start(() -> {
            try {
                Thread.sleep(RETRY_AFTER);
                send(record, acknowledged);
            } catch (InterruptedException stopping) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void closedBecause(String reason) {
        if (open) {
            open = false;
            LOG.error("usage log is away ({}): no model is called until it takes records again", reason);
        }
    }

    private void reopened() {
        if (!open) {
            open = true;
            LOG.info("usage log takes records again");
        }
    }
}
