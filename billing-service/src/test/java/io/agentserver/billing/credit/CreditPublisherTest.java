package io.agentserver.billing.credit;

import io.agentserver.billing.TestStores;
import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.credit.Credit;
import io.agentserver.credit.CreditUnavailableException;
import io.agentserver.credit.Hold;
import io.agentserver.credit.Standing;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.usage.UsageRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

class CreditPublisherTest {
    private final RedisClients redis = RedisClients.connect(TestStores.redisUrl(), Duration.ofSeconds(5));
    private final Credit credit = new Credit(redis);
    private final MemoryLedgerStore store = new MemoryLedgerStore();
    private final TenantId tenant =
            new TenantId("t" + UUID.randomUUID().toString().substring(0, 8));
    private final CreditPublisher publisher = new CreditPublisher(store, credit);
    private final Ledger ledger = new Ledger(store, publisher);

    @AfterEach
    void disconnect() {
        redis.close();
    }

    @Test
    void every_posting_is_told_with_the_receipts_that_it_accounts_for() {
        ledger.post(List.of(gift(1_000)));
        credit.open(tenant, publisher.balance(tenant), Duration.ZERO, Instant.EPOCH);
        UUID receipt = UUID.randomUUID();
        Hold hold = Hold.of(receipt, 300, Duration.ofMinutes(3), "a call");
        credit.reserve(tenant, hold);
        credit.settle(tenant, hold, 124).toCompletableFuture().join();
        assertThat(standing().available()).isEqualTo(876);
        ledger.post(List.of(PostingGroup.of(usage(receipt, 124))));
        assertThat(standing().available()).isEqualTo(876);
        assertThat(redis.commands().hlen("credit:{" + tenant + "}:unposted")).isZero();
        assertThat(standing().version()).isEqualTo(2);
    }

    @Test
    void a_repeat_is_told_too_for_the_first_telling_may_have_been_lost() {
        ledger.post(List.of(gift(1_000)));
        UUID receipt = UUID.randomUUID();
        store.post(tenant, List.of(PostingGroup.of(usage(receipt, 124)))); // and the process died
        credit.open(tenant, publisher.balance(tenant), Duration.ZERO, Instant.EPOCH);
        credit.reserve(tenant, Hold.of(receipt, 300, Duration.ofMinutes(3), "a call"));
        assertThat(ledger.post(List.of(PostingGroup.of(usage(receipt, 124)))).fresh())
                .isZero();
        assertThat(standing().available()).isEqualTo(876);
    }

    @Test
    void redis_being_away_fails_no_posting_and_hears_of_it_when_it_is_back(@TempDir Path directory) {
        LocalRedis server = LocalRedis.start(directory, 0);
        int port = URI.create(server.url()).getPort();
        try (RedisClients own = RedisClients.connect(server.url(), Duration.ofSeconds(5))) {
            CreditPublisher patient = new CreditPublisher(store, new Credit(own));
            server.close();
            assertThat(new Ledger(store, patient).post(List.of(gift(1_000))).fresh())
                    .isEqualTo(1);
            try (LocalRedis _ = LocalRedis.start(directory, port)) {
                await().atMost(Duration.ofSeconds(20)).until(() -> {
                    patient.retry();
                    return "1000"
                            .equals(own.async()
                                    .hget("credit:{" + tenant + "}:state", "balance")
                                    .toCompletableFuture()
                                    .exceptionally(notYet -> "")
                                    .join());
                });
            }
        }
    }

    @Test
    void what_could_not_be_told_for_the_ledger_was_away_is_told_later_with_its_receipts() {
        ledger.post(List.of(gift(1_000)));
        credit.open(tenant, publisher.balance(tenant), Duration.ZERO, Instant.EPOCH);
        UUID receipt = UUID.randomUUID();
        credit.reserve(tenant, new Hold(receipt, UUID.randomUUID(), 300, Duration.ofMinutes(3), "a call"));
        AtomicBoolean away = new AtomicBoolean(true);
        CreditPublisher unlucky = new CreditPublisher(
                BrokenStore.of(store, method -> method.equals("balance") && away.get(), tenant), credit);

        assertThatThrownBy(() -> new Ledger(store, unlucky).post(List.of(PostingGroup.of(usage(receipt, 124)))))
                .isInstanceOf(IllegalStateException.class);
        assertThat(standing().available())
                .as("held, and not known to be posted")
                .isEqualTo(700);
        assertThatThrownBy(unlucky::retry).isInstanceOf(IllegalStateException.class);
        away.set(false);
        unlucky.retry();

        assertThat(standing().available()).isEqualTo(876);
        assertThat(redis.commands().hlen("credit:{" + tenant + "}:holds")).isZero();
    }

    @Test
    void posting_waits_too_when_redis_has_not_heard_of_very_many_and_goes_on_when_it_is_back(@TempDir Path directory) {
        LocalRedis server = LocalRedis.start(directory, 0);
        int port = URI.create(server.url()).getPort();
        try (RedisClients own = RedisClients.connect(server.url(), Duration.ofSeconds(5))) {
            CreditPublisher patient = new CreditPublisher(store, new Credit(own));
            server.close();
            List<PostingGroup> many = new ArrayList<>();
            for (int i = 0; i <= CreditPublisher.MOST_WAITING; i++) {
                many.add(PostingGroup.of(usage(new UUID(7, i), 1)));
            }
            patient.posted(tenant, many);

            List<PostingGroup> more = List.of(PostingGroup.of(usage(new UUID(8, 0), 1)));
            assertThatThrownBy(() -> patient.posted(tenant, more)).isInstanceOf(CreditUnavailableException.class);
            // what no receipt belongs to costs no memory: a payment is posted, and told when Redis is back
            TenantId payer = new TenantId(tenant + "-payer");
            store.post(payer, List.of(gift(payer, 1_000)));
            patient.posted(payer, List.of(gift(payer, 1_000)));

            try (LocalRedis _ = LocalRedis.start(directory, port)) {
                await().atMost(Duration.ofSeconds(20)).ignoreExceptions().until(() -> {
                    patient.posted(tenant, more);
                    return true;
                });
                await().atMost(Duration.ofSeconds(20)).until(() -> {
                    patient.retry();
                    return own.commands().zcard("credit:{" + tenant + "}:posted") == CreditPublisher.MOST_WAITING + 2;
                });
                assertThat(own.commands().hget("credit:{" + payer + "}:state", "balance"))
                        .isEqualTo("1000");
            }
        }
    }

    private Standing standing() {
        return credit.standing(tenant).toCompletableFuture().join();
    }

    private PostingGroup gift(long amount) {
        return gift(tenant, amount);
    }

    private static PostingGroup gift(TenantId tenant, long amount) {
        return PostingGroup.credit(
                GroupId.of(GroupKind.STARTING_CREDIT, tenant.value()),
                tenant,
                Instant.EPOCH,
                new MicroUsd(amount),
                Account.STARTING_CREDIT,
                "a gift");
    }

    private UsageRecord usage(UUID receipt, long price) {
        return new UsageRecord(
                receipt,
                tenant.value(),
                null,
                null,
                null,
                null,
                "default",
                "pool",
                "m1",
                10,
                0,
                20,
                false,
                false,
                false,
                price,
                price,
                Instant.EPOCH);
    }
}
