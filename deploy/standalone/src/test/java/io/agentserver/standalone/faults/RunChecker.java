package io.agentserver.standalone.faults;

import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.dynamo.DynamoLedgerStore;
import io.agentserver.billing.ledger.dynamo.DynamoMeterOutbox;
import io.agentserver.billing.reconcile.Difference;
import io.agentserver.billing.reconcile.KafkaUsageRecords;
import io.agentserver.billing.reconcile.Reconciliation;
import io.agentserver.billing.reconcile.Report;
import io.agentserver.billing.reconcile.SlotReceipts;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.envelope.ThreadId;
import io.agentserver.log.Brokers;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/** What must be true at the end of a run, of the conversations of all tenants and of their money; it looks past the platform. */
final class RunChecker implements AutoCloseable {
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);

    private final Fleet fleet;
    private final List<Org> orgs;
    private final DynamoDbClient dynamo;
    private final RedisClient redis;
    private final ThreadStore journal;
    private final LedgerStore ledger;

    /** When something happened that money may show, as {@link MoneyChecker.Run} says. */
    record Money(Windows breakOffs, Windows emptied) {}

    RunChecker(Fleet fleet, List<Org> orgs) {
        this.fleet = fleet;
        this.orgs = List.copyOf(orgs);
        this.dynamo = DynamoConnection.open(fleet.dynamoUrl());
        this.redis = RedisClient.create(fleet.redisUrl());
        this.journal = new DynamoThreadStore(dynamo, Retention.ofAll(Duration.ofHours(24)), Clock.systemUTC());
        this.ledger = new DynamoLedgerStore(dynamo);
    }

    /** @return what is wrong; nothing, if everything has come to rest */
    List<String> check(List<History.Line> history, Money money) {
        List<String> faults = new ArrayList<>();
        List<HistoryChecker> checkers = histories(history);
        checkers.forEach(checker -> faults.addAll(checker.check()));
        if (!faults.isEmpty()) {
            return faults;
        }
        Set<String> conversations = new HashSet<>();
        Set<UUID> receipts = new HashSet<>();
        checkers.forEach(checker -> {
            conversations.addAll(checker.conversations());
            receipts.addAll(checker.receipts());
        });
        try (StatefulRedisConnection<String, String> connection = redis.connect()) {
            return new MoneyChecker(
                            ledger,
                            orgs.stream().map(Org::tenant).collect(Collectors.toSet()),
                            tenant -> CreditKept.of(tenant, connection.sync()),
                            Clock.systemUTC())
                    .check(new MoneyChecker.Run(conversations, receipts, money.breakOffs(), money.emptied()));
        }
    }

    /** What billing's own command finds over all that there ever was. */
    List<String> reconcile(Path directory) {
        ServiceTokens tokens = new ServiceTokens(PlatformKeys.load(fleet.keyFile()), Clock.systemUTC());
        try (SlotReceipts slots = new SlotReceipts(fleet.bufferAddress(), tokens)) {
            Report report = new Reconciliation(
                            ledger,
                            new DynamoMeterOutbox(dynamo),
                            new KafkaUsageRecords(Brokers.plain(fleet.kafkaBootstrap())),
                            slots,
                            null,
                            Clock.systemUTC(),
                            BETWEEN_LOOKS,
                            directory)
                    .compare();
            System.out.println("reconciled: " + report.seen());
            return report.differences().stream().map(Difference::text).toList();
        }
    }

    /** Whether a tenant's word is where it has no business; of some conversations, what the gateway says. */
    List<String> canaries(List<History.Line> history, HttpClient http) throws IOException, InterruptedException {
        Map<Org, List<String>> conversations = new HashMap<>();
        for (Org org : orgs) {
            HistoryChecker own = new HistoryChecker(history, org.tenant(), journal, fleet.kafkaBootstrap());
            conversations.put(org, List.copyOf(own.conversations()));
        }
        return new CanarySearch(fleet, orgs, http).search(conversations);
    }

    int messages(List<History.Line> history) {
        return histories(history).stream().mapToInt(HistoryChecker::messages).sum();
    }

    int conversations(List<History.Line> history) {
        return histories(history).stream()
                .mapToInt(checker -> checker.conversations().size())
                .sum();
    }

    /** Of whichever tenant has it. */
    List<Commit> commits(String conversation) {
        return orgs.stream()
                .flatMap(
                        org -> journal
                                .read(
                                        new ConversationKey(org.tenant(), ThreadId.parse(conversation)),
                                        1,
                                        Look.CONSISTENT)
                                .stream())
                .toList();
    }

    private List<HistoryChecker> histories(List<History.Line> history) {
        return orgs.stream()
                .map(org -> new HistoryChecker(history, org.tenant(), journal, fleet.kafkaBootstrap()))
                .toList();
    }

    @Override
    public void close() {
        redis.shutdown();
        dynamo.close();
    }
}
