package io.agentserver.localstores;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * The broker's configuration for one node on one machine: broker and controller in one, small buffers, failures of
 * consumers seen within seconds. What is not here is Kafka's default.
 */
final class BrokerSettings {
    /** Above the 1 MiB that a handler's outputs may have together. */
    private static final int LARGEST_MESSAGE = 2 << 20;

    private static final int MEBIBYTE = 1 << 20;

    private BrokerSettings() {}

    /** @param detours further ports to listen on, with the port that is told to those who ask there */
    static Map<String, String> of(Path data, int port, int controllerPort, Map<Integer, Integer> detours) {
        Map<String, String> settings = new TreeMap<>();
        node(settings, data, port, controllerPort);
        detours.forEach((listen, told) -> detour(settings, listen, told));
        log(settings);
        groups(settings);
        threads(settings);
        return settings;
    }

    private static void node(Map<String, String> settings, Path data, int port, int controllerPort) {
        settings.put("process.roles", "broker,controller");
        settings.put("node.id", "1");
        settings.put("controller.quorum.voters", "1@127.0.0.1:" + controllerPort);
        settings.put("listeners", "BROKER://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controllerPort);
        settings.put("advertised.listeners", "BROKER://127.0.0.1:" + port);
        settings.put("listener.security.protocol.map", "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT");
        settings.put("inter.broker.listener.name", "BROKER");
        settings.put("controller.listener.names", "CONTROLLER");
        settings.put("log.dirs", data.toString());
        // After kill -9 the controller takes the broker of before for alive until its session ends, and refuses the new
        // one meanwhile: 3 s of a start instead of 9 s.
        settings.put("broker.session.timeout.ms", "3000");
        settings.put("broker.heartbeat.interval.ms", "500");
        // a start that hangs is an error, not a wait
        settings.put("server.max.startup.time.ms", "120000");
    }

    private static void detour(Map<String, String> settings, int port, int told) {
        String name = "DETOUR" + port;
        settings.merge("listeners", "," + name + "://127.0.0.1:" + port, String::concat);
        settings.merge("advertised.listeners", "," + name + "://127.0.0.1:" + told, String::concat);
        settings.merge("listener.security.protocol.map", "," + name + ":PLAINTEXT", String::concat);
    }

    private static void log(Map<String, String> settings) {
        settings.put("auto.create.topics.enable", "false");
        settings.put("default.replication.factor", "1");
        settings.put("min.insync.replicas", "1");
        settings.put("message.max.bytes", Integer.toString(LARGEST_MESSAGE));
        settings.put("replica.fetch.max.bytes", Integer.toString(LARGEST_MESSAGE));
        // Flush policy: none of our own. An acknowledged record is in the kernel's page cache, so it survives the end
        // of this process however it comes, and not a power cut. That is Kafka's default; production has replicas.
        settings.put("log.flush.interval.messages", Long.toString(Long.MAX_VALUE));
        // small segments: what has to be read again after kill -9 is at most one of them for each partition
        settings.put("log.segment.bytes", Integer.toString(32 * MEBIBYTE));
        settings.put("log.index.size.max.bytes", Integer.toString(MEBIBYTE));
        settings.put("metadata.log.segment.bytes", Integer.toString(16 * MEBIBYTE));
        settings.put("log.segment.delete.delay.ms", "1000");
        settings.put("log.cleaner.dedupe.buffer.size", Integer.toString(4 * MEBIBYTE));
        settings.put("log.cleaner.io.buffer.size", Integer.toString(MEBIBYTE / 4));
        settings.put("log.cleaner.threads", "1");
    }

    private static void groups(Map<String, String> settings) {
        settings.put("offsets.topic.num.partitions", "5");
        settings.put("offsets.topic.replication.factor", "1");
        settings.put("offsets.topic.segment.bytes", Integer.toString(4 * MEBIBYTE));
        settings.put("transaction.state.log.num.partitions", "1");
        settings.put("transaction.state.log.replication.factor", "1");
        settings.put("transaction.state.log.min.isr", "1");
        settings.put("transaction.state.log.segment.bytes", Integer.toString(4 * MEBIBYTE));
        settings.put("share.coordinator.state.topic.num.partitions", "1");
        settings.put("share.coordinator.state.topic.replication.factor", "1");
        settings.put("share.coordinator.state.topic.min.isr", "1");
        settings.put("group.coordinator.rebalance.protocols", "classic,consumer");
        settings.put("group.initial.rebalance.delay.ms", "0");
        settings.put("group.min.session.timeout.ms", "1000");
        // a consumer that was killed is replaced after its session: 6 s instead of 45 s
        settings.put("group.consumer.min.session.timeout.ms", "1000");
        settings.put("group.consumer.session.timeout.ms", "6000");
        settings.put("group.consumer.min.heartbeat.interval.ms", "100");
        settings.put("group.consumer.heartbeat.interval.ms", "500");
        // How soon a pattern subscription sees a new topic. 10 s is the least that Kafka allows: the coordinator has a
        // floor of its own between two evaluations of one group's patterns.
        settings.put("group.consumer.regex.refresh.interval.ms", "10000");
    }

    private static void threads(Map<String, String> settings) {
        settings.put("num.network.threads", "2");
        settings.put("num.io.threads", "4");
        settings.put("background.threads", "2");
        settings.put("group.coordinator.threads", "1");
        settings.put("num.recovery.threads.per.data.dir", "2");
        settings.put("queued.max.requests", "200");
    }
}
