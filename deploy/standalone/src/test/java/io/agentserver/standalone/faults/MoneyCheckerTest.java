package io.agentserver.standalone.faults;

import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.Balance;
import io.agentserver.billing.ledger.Book;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.LineOrder;
import io.agentserver.billing.ledger.LinePosition;
import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.Reconciled;
import io.agentserver.billing.ledger.RejectedRecord;
import io.agentserver.billing.ledger.UnreadableGroup;
import io.agentserver.billing.ledger.UsageLine;
import io.agentserver.envelope.TenantId;
import io.agentserver.standalone.faults.MoneyChecker.Run;
import io.agentserver.usage.UsageRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** The checker, on books that are right and on books that are wrong in one way each. */
class MoneyCheckerTest {
    private static final TenantId TENANT = new TenantId("org");
    private static final Instant NOW = Instant.parse("2026-12-01T00:00:00Z");
    private static final long GIVEN = 1_000;
    private static final long PRICE = 17;
    private static final String CONVERSATION = "0199c0de-7a11-7000-8000-000000000001";
    private static final UUID FIRST = new UUID(0, 1);
    private static final UUID SECOND = new UUID(0, 2);

    private final MemoryLedgerStore ledger = new MemoryLedgerStore();
    private Instant now = NOW;

    @Test
    void books_that_are_right_are_right() {
        post(ledger, start(), call(FIRST, "m1"), call(SECOND, "m2"));
        assertThat(check(ledger, strict(FIRST, SECOND), kept(GIVEN - 2 * PRICE)))
                .isEmpty();
    }

    @Test
    void finds_a_call_that_is_paid_twice() {
        post(ledger, start(), call(FIRST, "m1"), call(SECOND, "m1"));
        assertThat(check(ledger, strict(FIRST), kept(GIVEN - 2 * PRICE)))
                .singleElement()
                .asString()
                .contains("m1", "paid twice");
    }

    @Test
    void lets_a_call_cost_again_whose_router_died_meanwhile() {
        post(ledger, start(), call(FIRST, "m1", 10), call(SECOND, "m1", 30));
        for (Windows died : List.of(at(0, 10), at(20, 25), at(30, 60), at(0, 60))) {
            Run run = new Run(Set.of(CONVERSATION), Set.of(SECOND), died, Windows.NONE);
            assertThat(check(ledger, run, kept(GIVEN - 2 * PRICE)))
                    .as("%s", died)
                    .isEmpty();
        }
    }

    @Test
    void finds_a_call_that_is_paid_twice_before_a_router_died_or_after_it() {
        post(ledger, start(), call(SECOND, "m1", 30), call(FIRST, "m1", 10));
        for (Windows died : List.of(at(0, 9), at(31, 60))) {
            Run run = new Run(Set.of(CONVERSATION), Set.of(SECOND), died, Windows.NONE);
            assertThat(check(ledger, run, kept(GIVEN - 2 * PRICE)))
                    .as("%s", died)
                    .singleElement()
                    .asString()
                    .contains("m1", "paid twice");
        }
    }

    @Test
    void finds_a_third_payment_although_the_second_had_its_reason() {
        post(ledger, start(), call(FIRST, "m1", 10), call(SECOND, "m1", 30), call(new UUID(0, 3), "m1", 50));
        Run run = new Run(Set.of(CONVERSATION), Set.of(SECOND), at(20, 25), Windows.NONE);
        assertThat(check(ledger, run, kept(GIVEN - 3 * PRICE)))
                .singleElement()
                .asString()
                .contains("m1", "paid twice", SECOND.toString());
    }

    @Test
    void finds_an_answer_that_a_model_gave_again_for_no_reason() {
        List<Instant> times = List.of(NOW.plusSeconds(10), NOW.plusSeconds(30), NOW.plusSeconds(50));
        assertThat(Scripted.isAnsweredAgain(times.subList(0, 1), Windows.NONE)).isFalse();
        assertThat(Scripted.isAnsweredAgain(times, Windows.NONE)).isTrue();
        assertThat(Scripted.isAnsweredAgain(times, at(20, 25)))
                .as("not the third")
                .isTrue();
        assertThat(Scripted.isAnsweredAgain(times, at(20, 25).and(at(40, 45)))).isFalse();
        assertThat(Scripted.isAnsweredAgain(times, at(51, 90))).isTrue();
    }

    @Test
    void finds_a_receipt_that_nobody_has_posted() {
        post(ledger, start(), call(FIRST, "m1"));
        assertThat(check(ledger, strict(FIRST, SECOND), kept(GIVEN - PRICE)))
                .containsExactly("receipt " + SECOND + " of a slot is not posted");
    }

    @Test
    void finds_what_is_still_held_or_owed() {
        post(ledger, start());
        CreditKept held = new CreditKept(GIVEN, PRICE, 0, Set.of(FIRST.toString()), Set.of());
        assertThat(check(ledger, strict(), held)).singleElement().asString().contains("still holds");
        CreditKept counted = new CreditKept(GIVEN, PRICE, 0, Set.of(), Set.of());
        assertThat(check(ledger, strict(), counted)).singleElement().asString().contains("still holds");
        CreditKept owed = new CreditKept(GIVEN, 0, PRICE, Set.of(), Set.of(FIRST.toString()));
        assertThat(check(ledger, strict(), owed)).singleElement().asString().contains("still owes");
    }

    @Test
    void lets_what_is_posted_be_owed_for_longer_where_Redis_was_emptied_and_nothing_else() {
        post(ledger, start(), call(FIRST, "m1"));
        Run emptied = new Run(Set.of(CONVERSATION), Set.of(FIRST), Windows.NONE, at(-10, 5));
        assertThat(check(ledger, emptied, owed(GIVEN - PRICE, FIRST))).isEmpty();
        assertThat(check(ledger, emptied, owed(GIVEN - PRICE, SECOND))).isNotEmpty();
        CreditKept forNothing = new CreditKept(GIVEN - PRICE, 0, PRICE, Set.of(), Set.of());
        assertThat(check(ledger, emptied, forNothing)).isNotEmpty();
    }

    @Test
    void finds_what_is_owed_for_another_time_than_when_Redis_was_emptied() {
        post(ledger, start(), call(FIRST, "m1"));
        for (Windows another : List.of(Windows.NONE, at(-300, -100), at(100, 300))) {
            Run emptied = new Run(Set.of(CONVERSATION), Set.of(FIRST), Windows.NONE, another);
            assertThat(check(ledger, emptied, owed(GIVEN - PRICE, FIRST)))
                    .as("%s", another)
                    .singleElement()
                    .asString()
                    .contains("still owes");
        }
    }

    @Test
    void finds_what_is_owed_for_longer_than_billing_takes_to_look_it_over() {
        post(ledger, start(), call(FIRST, "m1"));
        Run emptied = new Run(Set.of(CONVERSATION), Set.of(FIRST), Windows.NONE, at(-10, 5));
        now = NOW.plus(MoneyChecker.LOOKED_OVER).plusSeconds(61);
        assertThat(check(ledger, emptied, owed(GIVEN - PRICE, FIRST)))
                .singleElement()
                .asString()
                .contains("still owes");
    }

    @Test
    void finds_a_balance_that_Redis_was_not_told() {
        post(ledger, start(), call(FIRST, "m1"));
        assertThat(check(ledger, strict(FIRST), kept(GIVEN)))
                .singleElement()
                .asString()
                .contains("Redis has");
    }

    @Test
    void finds_a_balance_that_is_read_and_written_in_two_steps() throws Exception {
        TwoSteps broken = new TwoSteps();
        post(broken, start());
        broken.race();
        try (ExecutorService writers = Executors.newVirtualThreadPerTaskExecutor()) {
            writers.execute(() -> post(broken, call(FIRST, "m1")));
            writers.execute(() -> post(broken, call(SECOND, "m2")));
        }
        assertThat(check(broken, strict(FIRST, SECOND), kept(GIVEN - PRICE)))
                .singleElement()
                .asString()
                .contains("balance of org", "its postings sum to");
    }

    private List<String> check(LedgerStore ledger, Run run, CreditKept kept) {
        return new MoneyChecker(ledger, Set.of(TENANT), _ -> kept, Clock.fixed(now, ZoneOffset.UTC)).check(run);
    }

    private static Run strict(UUID... receipts) {
        return new Run(Set.of(CONVERSATION), Set.of(receipts), Windows.NONE, Windows.NONE);
    }

    private static Windows at(int fromSecond, int toSecond) {
        return new Windows(List.of(new Windows.Window(NOW.plusSeconds(fromSecond), NOW.plusSeconds(toSecond))));
    }

    private static CreditKept kept(long balance) {
        return new CreditKept(balance, 0, 0, Set.of(), Set.of());
    }

    private static CreditKept owed(long balance, UUID receipt) {
        return new CreditKept(balance, 0, PRICE, Set.of(), Set.of(receipt.toString()));
    }

    private static void post(LedgerStore ledger, PostingGroup... groups) {
        ledger.post(TENANT, List.of(groups));
    }

    private static PostingGroup start() {
        return PostingGroup.credit(
                GroupId.of(GroupKind.STARTING_CREDIT, TENANT.value()),
                TENANT,
                NOW,
                new MicroUsd(GIVEN),
                Account.STARTING_CREDIT,
                null);
    }

    private static PostingGroup call(UUID receipt, String message) {
        return call(receipt, message, 0);
    }

    private static PostingGroup call(UUID receipt, String message, int second) {
        return PostingGroup.of(new UsageRecord(
                receipt,
                TENANT.value(),
                CONVERSATION,
                CONVERSATION,
                message,
                "boss",
                "default",
                "scripted",
                "scripted/m",
                11,
                0,
                3,
                false,
                false,
                false,
                PRICE,
                PRICE,
                NOW.plusSeconds(second)));
    }

    /** A ledger whose balance is no part of the step that posts: two who post at once read the same one. */
    private static final class TwoSteps implements LedgerStore {
        private final MemoryLedgerStore groups = new MemoryLedgerStore();
        private final Map<TenantId, Balance> balances = new HashMap<>();
        private @Nullable CyclicBarrier bothHaveRead;

        void race() {
            bothHaveRead = new CyclicBarrier(2);
        }

        @Override
        public Set<GroupId> post(TenantId tenant, List<PostingGroup> all) {
            Set<GroupId> posted = groups.post(tenant, all);
            Balance read = balance(tenant);
            await();
            MicroUsd credit = all.stream()
                    .filter(group -> posted.contains(group.id()))
                    .map(group -> group.toCredit().negated())
                    .reduce(read.credit(), MicroUsd::plus);
            synchronized (this) {
                balances.put(tenant, new Balance(credit, read.version() + 1));
            }
            return posted;
        }

        private void await() {
            CyclicBarrier barrier = bothHaveRead;
            if (barrier != null) {
                try {
                    barrier.await();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        @Override
        public synchronized Balance balance(TenantId tenant) {
            return balances.getOrDefault(tenant, Balance.NONE);
        }

        @Override
        public Optional<PostingGroup> find(GroupId id) {
            return groups.find(id);
        }

        @Override
        public List<PostingGroup> list(
                TenantId tenant, Book book, LineOrder order, @Nullable LinePosition after, int limit) {
            return groups.list(tenant, book, order, after, limit);
        }

        @Override
        public Set<TenantId> tenants() {
            return groups.tenants();
        }

        @Override
        public void forEach(Consumer<PostingGroup> visitor, Consumer<UnreadableGroup> unreadable) {
            groups.forEach(visitor, unreadable);
        }

        @Override
        public List<UsageLine> usage(TenantId tenant, LocalDate from, LocalDate to) {
            return groups.usage(tenant, from, to);
        }

        @Override
        public long forgetUsage(TenantId tenant) {
            return groups.forgetUsage(tenant);
        }

        @Override
        public Optional<String> customer(TenantId tenant, boolean live) {
            return groups.customer(tenant, live);
        }

        @Override
        public String keepCustomer(TenantId tenant, boolean live, String customer) {
            return groups.keepCustomer(tenant, live, customer);
        }

        @Override
        public String replaceCustomer(TenantId tenant, boolean live, String gone, String customer) {
            return groups.replaceCustomer(tenant, live, gone, customer);
        }

        @Override
        public void keep(RejectedRecord rejected) {
            groups.keep(rejected);
        }

        @Override
        public Stream<RejectedRecord> rejected() {
            return groups.rejected();
        }

        @Override
        public String era() {
            return groups.era();
        }

        @Override
        public void keep(Reconciled outcome) {
            groups.keep(outcome);
        }

        @Override
        public Optional<Reconciled> reconciled() {
            return groups.reconciled();
        }
    }
}
