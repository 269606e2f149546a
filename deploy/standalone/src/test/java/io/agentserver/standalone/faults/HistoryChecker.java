package io.agentserver.standalone.faults;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.log.Topics;
import io.agentserver.standalone.checker.ConversationChecker;
import io.agentserver.standalone.checker.ConversationChecker.Sent;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;

/**
 * Reads what clients were told beside the journal as DynamoDB has it and the log as the broker has it: what was accepted took
 * effect once, in the order in which it was sent, and was answered rightly; what was refused had no effect; the log has what the
 * journal says, and nothing of this run that the journal does not know; there is no dead letter.
 */
final class HistoryChecker {
    private final List<History.Line> history;
    private final TenantId tenant;
    private final ThreadStore journal;
    private final String kafka;

    /** @param history of any tenants, of which this one's is read */
    HistoryChecker(List<History.Line> history, TenantId tenant, ThreadStore journal, String kafka) {
        this.history = history.stream()
                .filter(line -> line.tenant().equals(tenant.value()))
                .toList();
        this.tenant = tenant;
        this.journal = journal;
        this.kafka = kafka;
    }

    /** @return what is wrong; nothing, if everything has come to rest */
    List<String> check() {
        List<String> faults = new ArrayList<>(promises());
        Map<String, List<Sent>> sent = sent();
        ConversationChecker conversations = new ConversationChecker();
        Map<String, Set<String>> journalled = new HashMap<>();
        sent.forEach((conversation, messages) -> {
            List<Commit> commits = commits(conversation);
            conversations.check(conversation, commits, messages);
            journalled.put(conversation, messages(commits));
        });
        faults.addAll(conversations.faults());
        if (faults.isEmpty()) {
            faults.addAll(log(journalled));
        }
        return faults;
    }

    Set<String> conversations() {
        return sent().keySet();
    }

    /** Of the calls of models that its slots tell of. */
    Set<UUID> receipts() {
        Set<UUID> receipts = new HashSet<>();
        for (String conversation : conversations()) {
            for (Commit commit : commits(conversation)) {
                for (Change change : commit.getChangesList()) {
                    if (change.hasEntry()) {
                        change.getEntry().getSlot().getReceiptsList().forEach(id -> receipts.add(UUID.fromString(id)));
                    }
                }
            }
        }
        return receipts;
    }

    private List<Commit> commits(String conversation) {
        return journal.read(new ConversationKey(tenant, ThreadId.parse(conversation)), 1, Look.CONSISTENT);
    }

    int messages() {
        return sent().values().stream().mapToInt(List::size).sum();
    }

    /** Everything sent has an answer that stands, and no client was refused what it may do. */
    private List<String> promises() {
        List<String> broken = new ArrayList<>();
        for (History.Line line : history) {
            if (line.type() == History.Type.FAIL || line.type() == History.Type.UNKNOWN) {
                broken.add(line.operation() + " of " + line.message() + " in " + line.conversation() + ": "
                        + line.type() + " " + line.detail());
            }
        }
        return broken;
    }

    /** By conversation, in the order in which its one client sent them. */
    private Map<String, List<Sent>> sent() {
        Set<String> cancelled = new HashSet<>();
        Set<String> refused = new HashSet<>();
        for (History.Line line : history) {
            if (line.operation().equals("cancel")) {
                cancelled.add(line.conversation());
            }
            if (line.operation().equals("send") && line.type() == History.Type.FAIL) {
                refused.add(line.message());
            }
        }
        Map<String, List<Sent>> sent = new LinkedHashMap<>();
        for (History.Line line : history) {
            if (line.operation().equals("send")
                    && line.type() == History.Type.INVOKE
                    && !refused.contains(line.message())) {
                sent.computeIfAbsent(line.conversation(), _ -> new ArrayList<>())
                        .add(new Sent(line.message(), line.detail(), cancelled.contains(line.conversation())));
            }
        }
        return sent;
    }

    private static Set<String> messages(List<Commit> commits) {
        Set<String> messages = new HashSet<>();
        for (Commit commit : commits) {
            for (Change change : commit.getChangesList()) {
                if (change.hasEntry()) {
                    messages.add(change.getEntry().getSlot().getMessage());
                }
            }
        }
        return messages;
    }

    private List<String> log(Map<String, Set<String>> journalled) {
        List<String> faults = new ArrayList<>();
        Map<String, Set<String>> onLog = new HashMap<>();
        read(Topics.messages(tenant), record -> {
            Meta meta = EnvelopeDocument.readOwn(record.value()).meta();
            onLog.computeIfAbsent(meta.conversationOrThread().toString(), _ -> new HashSet<>())
                    .add(meta.requiredId().toString());
        });
        journalled.forEach((conversation, messages) -> {
            Set<String> there = onLog.getOrDefault(conversation, Set.of());
            there.stream()
                    .filter(message -> !messages.contains(message))
                    .forEach(message ->
                            faults.add(conversation + ": the log has " + message + ", which nobody journalled"));
        });
        read(Topics.deadLetters(tenant), record -> {
            if (journalled.keySet().stream().anyMatch(record.value()::contains)) {
                StringBuilder why = new StringBuilder("a dead letter");
                record.headers()
                        .forEach(header -> why.append(' ')
                                .append(header.key())
                                .append('=')
                                .append(new String(header.value(), java.nio.charset.StandardCharsets.UTF_8)));
                faults.add(why.toString());
            }
        });
        return faults;
    }

    private void read(String topic, java.util.function.Consumer<ConsumerRecord<String, String>> reader) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", kafka);
        settings.put("key.deserializer", StringDeserializer.class);
        settings.put("value.deserializer", StringDeserializer.class);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(p -> new TopicPartition(topic, p.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                consumer.poll(Duration.ofMillis(500)).forEach(reader);
            }
        }
    }
}
