package io.agentserver.gateway.log;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Creates the topics of CONTRACTS 3. A topic that exists stays as it is. */
public final class LogTopics {
    private static final String LARGEST_RECORD = Integer.toString(2 * 1024 * 1024);
    private static final int USAGE_PARTITIONS = 6;
    /** How old a message or a heartbeat is must not depend on the clock of whoever wrote it. */
    private static final String TIME_OF_A_RECORD = "message.timestamp.type";

    private static final String THE_BROKERS = "LogAppendTime";

    private final Admin admin;
    private final short replication;

    /** @param replication replicas of each topic; -1: as many as the broker says */
    public LogTopics(Admin admin, short replication) {
        this.admin = admin;
        this.replication = replication;
    }

    /** {@code tenants} and {@code usage}. */
    public void createPlatformTopics() {
        create(List.of(
                topic(
                        Topics.TENANTS,
                        1, // one order for all tenants: an organism's version comes before the entry that names it
                        Map.of(
                                "cleanup.policy",
                                "compact",
                                "segment.bytes",
                                "16777216",
                                "min.cleanable.dirty.ratio",
                                "0.1",
                                "max.message.bytes",
                                LARGEST_RECORD,
                                TIME_OF_A_RECORD,
                                THE_BROKERS)),
                topic(Topics.USAGE, USAGE_PARTITIONS, Map.of("retention.ms", "-1"))));
    }

    /** A tenant's {@code messages} and {@code dead-letters}. */
    public void createFor(TenantId tenant, int partitions) {
        create(List.of(
                topic(
                        Topics.messages(tenant),
                        partitions,
                        Map.of(
                                "retention.ms",
                                "-1",
                                "max.message.bytes",
                                LARGEST_RECORD,
                                TIME_OF_A_RECORD,
                                THE_BROKERS)),
                topic(
                        Topics.deadLetters(tenant),
                        partitions,
                        Map.of("retention.ms", "-1", "max.message.bytes", LARGEST_RECORD))));
    }

    private NewTopic topic(String name, int partitions, Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(settings);
        if (replication >= 3) {
            all.put("min.insync.replicas", "2");
        }
        return new NewTopic(
                        name, Optional.of(partitions), replication < 1 ? Optional.empty() : Optional.of(replication))
                .configs(all);
    }

    private void create(List<NewTopic> topics) {
        for (Future<Void> created : admin.createTopics(topics).values().values()) {
            try {
                created.get(10, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw new Unavailable("topics " + names(topics) + " could not be created", e.getCause());
                }
            } catch (TimeoutException e) {
                throw new Unavailable("topics " + names(topics) + " were not created in time", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Unavailable("the gateway is stopping", e);
            }
        }
    }

    private static List<String> names(List<NewTopic> topics) {
        return topics.stream().map(NewTopic::name).toList();
    }
}
