package io.agentserver.billing.ledger;

import io.agentserver.billing.Calls;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assertions.tuple;

/** What every ledger store promises. */
public abstract class LedgerStoreContract {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 14);

    private final TenantId tenant = Calls.newTenant();
    private final TenantId stranger = Calls.newTenant();

    protected abstract LedgerStore store();

    @Test
    void is_in_one_era_for_everybody() {
        assertThat(store().era()).isNotEmpty().isEqualTo(store().era());
    }

    @Test
    void keeps_the_latest_comparison() {
        Instant later = Instant.now().truncatedTo(java.time.temporal.ChronoUnit.MILLIS);
        store().keep(new Reconciled(later, 3));
        store().keep(new Reconciled(later.minusSeconds(1), 0));
        assertThat(store().reconciled()).contains(new Reconciled(later, 3));
    }

    @Test
    void keeps_a_group_as_it_was_posted() {
        PostingGroup group = group(Ids.v7());

        assertThat(store().post(tenant, List.of(group))).containsExactly(group.id());

        assertThat(store().find(group.id())).contains(group);
        assertThat(group.postings())
                .containsExactly(
                        new Posting(Account.creditOf(tenant), new MicroUsd(140)),
                        new Posting(Account.LLM_REVENUE, new MicroUsd(-140)),
                        new Posting(Account.costOf("openai"), new MicroUsd(70)),
                        new Posting(Account.payableTo("openai"), new MicroUsd(-70)));
    }

    @Test
    void knows_no_group_balance_or_usage_of_a_stranger() {
        assertThat(store().find(GroupId.ofReceipt(Ids.v7()))).isEmpty();
        assertThat(store().balance(tenant)).isEqualTo(Balance.NONE);
        assertThat(store().usage(tenant, DAY, DAY)).isEmpty();
    }

    @Test
    void the_first_group_of_a_receipt_stands_and_counts_once() {
        UUID receipt = Ids.v7();
        PostingGroup first = group(receipt);
        PostingGroup other = PostingGroup.of(Calls.call(tenant, receipt, Calls.NOON, "openai/another", null));
        store().post(tenant, List.of(first, other));

        assertThat(store().post(tenant, List.of(other))).isEmpty();
        assertThat(store().post(tenant, List.of(first))).isEmpty();

        assertThat(store().find(first.id())).contains(first);
        assertThat(store().balance(tenant).credit()).isEqualTo(new MicroUsd(-140));
        assertThat(store().usage(tenant, DAY, DAY)).hasSize(1);
    }

    @Test
    void posts_what_is_new_among_what_is_not() {
        List<PostingGroup> groups =
                Stream.generate(() -> group(Ids.v7())).limit(60).toList();
        store().post(tenant, List.of(groups.get(3), groups.get(30), groups.get(31)));

        Set<GroupId> posted = store().post(tenant, groups);

        assertThat(posted).hasSize(57).doesNotContain(groups.get(3).id());
        assertThat(store().balance(tenant).credit()).isEqualTo(new MicroUsd(-140 * 60));
    }

    @Test
    void adds_usage_up_by_day_model_and_listener() {
        Instant nextDay = Instant.parse("2026-03-15T00:00:00Z");
        store().post(
                        tenant,
                        List.of(
                                group(Ids.v7()),
                                group(Ids.v7()),
                                PostingGroup.of(Calls.call(tenant, Ids.v7(), Calls.NOON, "openai/gpt-x", null)),
                                PostingGroup.of(Calls.call(tenant, Ids.v7(), nextDay, "openai/gpt-x", "greeter"))));
        store().post(tenant, List.of(group(Ids.v7())));

        UsageSum one = new UsageSum(1, 100, 10, 20, new MicroUsd(70), new MicroUsd(140));
        UsageLine greeter =
                new UsageLine(DAY, "openai/gpt-x", "greeter", one.plus(one).plus(one));
        UsageLine client = new UsageLine(DAY, "openai/gpt-x", null, one);
        UsageLine tomorrow = new UsageLine(DAY.plusDays(1), "openai/gpt-x", "greeter", one);
        assertThat(store().usage(tenant, DAY, DAY)).containsExactlyInAnyOrder(greeter, client);
        assertThat(store().usage(tenant, DAY, DAY.plusDays(1))).containsExactlyInAnyOrder(greeter, client, tomorrow);
        assertThat(store().usage(tenant, DAY.plusDays(1), DAY.plusDays(9))).containsExactly(tomorrow);
        assertThat(store().usage(tenant, DAY.minusDays(9), DAY.minusDays(1))).isEmpty();
    }

    @Test
    void forgets_the_sums_of_usage_and_keeps_what_they_were_made_of() {
        PostingGroup kept = group(Ids.v7());
        store().post(tenant, List.of(kept));
        TenantId other = new TenantId(tenant + "2");
        store().post(other, List.of(PostingGroup.of(Calls.call(other, Ids.v7(), Calls.NOON, "m", "greeter"))));

        assertThat(store().forgetUsage(tenant)).isEqualTo(1);
        assertThat(store().forgetUsage(tenant)).isZero();

        assertThat(store().usage(tenant, DAY, DAY)).isEmpty();
        assertThat(store().find(kept.id())).contains(kept);
        assertThat(store().list(tenant, Book.CALLS, LineOrder.NEWEST_FIRST, null, 9))
                .containsExactly(kept);
        assertThat(store().balance(tenant).credit()).isEqualTo(new MicroUsd(-140));
        assertThat(store().usage(other, DAY, DAY)).hasSize(1);
    }

    /** Of a tenant that is deleted usage may come late, from before its deletion or from after what it kept. */
    @Test
    void lists_calls_from_before_and_after_their_sums_were_forgotten() {
        List<PostingGroup> calls = Stream.of("2026-03-14T12:00:00Z", "2026-01-31T12:00:00Z", "2026-05-01T12:00:00Z")
                .map(at -> PostingGroup.of(Calls.call(tenant, Ids.v7(), Instant.parse(at), "m", null))
                        .in(1))
                .toList();
        for (PostingGroup call : calls) {
            store().post(tenant, List.of(call));
            assertThat(store().forgetUsage(tenant)).isEqualTo(1);
        }
        PostingGroup late = group(Ids.v7()).in(1); // of March again, and its sum is not forgotten yet
        store().post(tenant, List.of(late));

        assertThat(store().list(tenant, Book.CALLS, LineOrder.OLDEST_FIRST, null, 9))
                .containsExactlyInAnyOrder(calls.get(0), calls.get(1), calls.get(2), late);
    }

    @Test
    void names_that_would_run_together_stay_apart() {
        store().post(
                        tenant,
                        List.of(
                                PostingGroup.of(Calls.call(tenant, Ids.v7(), Calls.NOON, "m#a", "b")),
                                PostingGroup.of(Calls.call(tenant, Ids.v7(), Calls.NOON, "m", "a#b"))));

        assertThat(store().usage(tenant, DAY, DAY)).hasSize(2);
    }

    @Test
    void a_balance_grows_its_version_with_each_change() {
        store().post(tenant, List.of(group(Ids.v7())));
        long before = store().balance(tenant).version();
        store().post(tenant, List.of(group(Ids.v7())));

        assertThat(store().balance(tenant).version()).isGreaterThan(before);
    }

    @Test
    void racing_writers_of_the_same_receipts_have_one_effect() throws Exception {
        long seed = System.nanoTime();
        System.out.println("racing writers: seed " + seed);
        List<PostingGroup> groups =
                Stream.generate(() -> group(Ids.v7())).limit(40).toList();

        int fresh = race(8, writer -> {
            List<PostingGroup> mine = new ArrayList<>(groups);
            Collections.shuffle(mine, new Random(seed + writer));
            int posted = 0;
            for (int from = 0; from < mine.size(); from += 10) {
                posted += store().post(tenant, mine.subList(from, from + 10)).size();
            }
            return posted;
        });

        assertThat(fresh).isEqualTo(groups.size());
        assertThat(store().balance(tenant).credit()).isEqualTo(new MicroUsd(-140 * 40));
        assertThat(store().usage(tenant, DAY, DAY))
                .singleElement()
                .satisfies(line -> assertThat(line.sum().calls()).isEqualTo(40));
        assertThat(groupsOfTenant()).containsExactlyInAnyOrderElementsOf(groups);
    }

    @Test
    void postings_sum_to_zero_and_rebuild_the_balance() {
        store().post(tenant, Stream.generate(() -> group(Ids.v7())).limit(30).toList());

        List<Posting> postings = groupsOfTenant().stream()
                .flatMap(group -> group.postings().stream())
                .toList();
        MicroUsd all = postings.stream().map(Posting::amount).reduce(MicroUsd.ZERO, MicroUsd::plus);
        MicroUsd credit = postings.stream()
                .filter(p -> p.account().equals(Account.creditOf(tenant)))
                .map(Posting::amount)
                .reduce(MicroUsd.ZERO, MicroUsd::plus);
        assertThat(all).isEqualTo(MicroUsd.ZERO);
        assertThat(store().balance(tenant).credit()).isEqualTo(credit.negated());
    }

    @Test
    void keeps_a_rejected_record_once() {
        long offset = System.nanoTime();
        RejectedRecord record = RejectedRecord.of(3, offset, "k", new byte[100_000], "no JSON", Calls.NOON);

        store().keep(record);
        store().keep(record);

        assertThat(store().rejected().filter(r -> r.offset() == offset)).containsExactly(record);
        assertThat(record.size()).isEqualTo(100_000);
    }

    @Test
    void lists_a_tenants_money_from_either_end_page_by_page() {
        assertThatMoneyIsListed();
    }

    protected void assertThatMoneyIsListed() {
        List<PostingGroup> topUps = IntStream.range(0, 7)
                .mapToObj(i -> topUp(Calls.NOON.plusMillis(i)))
                .toList();
        store().post(tenant, topUps);
        store().post(tenant, List.of(group(Ids.v7())));
        store().post(stranger, List.of(topUp(stranger, Calls.NOON)));

        assertThat(walk(Book.MONEY, LineOrder.NEWEST_FIRST, 3)).containsExactlyElementsOf(topUps.reversed());
        assertThat(walk(Book.MONEY, LineOrder.OLDEST_FIRST, 3)).containsExactlyElementsOf(topUps);
    }

    @Test
    void lists_calls_over_months_that_have_none() {
        List<PostingGroup> calls = Stream.of(
                        "2025-11-30T23:59:59.999999999Z",
                        "2025-12-01T00:00:00Z",
                        "2026-03-01T00:00:00Z",
                        "2026-03-14T12:00:00Z",
                        "2026-03-14T12:00:00.5Z")
                .map(at -> PostingGroup.of(Calls.call(tenant, Ids.v7(), Instant.parse(at), "m", null))
                        .in(1))
                .toList();
        store().post(tenant, calls);

        assertThat(walk(Book.CALLS, LineOrder.NEWEST_FIRST, 2)).containsExactlyElementsOf(calls.reversed());
        assertThat(walk(Book.CALLS, LineOrder.OLDEST_FIRST, 2)).containsExactlyElementsOf(calls);
        assertThat(store().list(tenant, Book.CALLS, LineOrder.NEWEST_FIRST, null, 100))
                .containsExactlyElementsOf(calls.reversed());
        LinePosition third = LinePosition.at(calls.get(2).at());
        assertThat(store().list(tenant, Book.CALLS, LineOrder.NEWEST_FIRST, third, 100))
                .containsExactly(calls.get(1), calls.get(0));
        assertThat(store().list(tenant, Book.CALLS, LineOrder.OLDEST_FIRST, third, 100))
                .containsExactly(calls.get(2), calls.get(3), calls.get(4));
        assertThat(store().list(stranger, Book.CALLS, LineOrder.OLDEST_FIRST, null, 100))
                .isEmpty();
    }

    @Test
    void groups_of_one_time_are_each_listed_once() {
        List<PostingGroup> calls =
                Stream.generate(() -> group(Ids.v7())).limit(9).toList();
        store().post(tenant, calls);

        List<PostingGroup> walked = walk(Book.CALLS, LineOrder.NEWEST_FIRST, 2);
        assertThat(walked).containsExactlyInAnyOrderElementsOf(calls);
        assertThat(walk(Book.CALLS, LineOrder.OLDEST_FIRST, 2)).containsExactlyElementsOf(walked.reversed());
    }

    @Test
    void a_statement_has_both_books_in_one_order() {
        PostingGroup before = topUp(Calls.NOON.minusSeconds(1));
        PostingGroup call = group(Ids.v7());
        PostingGroup after = topUp(Calls.NOON.plusSeconds(1));
        store().post(tenant, List.of(after, call, before));
        Ledger ledger = new Ledger(store());

        StatementPage first = ledger.statement(tenant, EnumSet.allOf(Book.class), LineOrder.NEWEST_FIRST, null, 2);
        StatementPage second =
                ledger.statement(tenant, EnumSet.allOf(Book.class), LineOrder.NEWEST_FIRST, first.next(), 2);
        StatementPage oldest = ledger.statement(tenant, EnumSet.allOf(Book.class), LineOrder.OLDEST_FIRST, null, 2);

        assertThat(first.lines())
                .extracting(StatementLine::kind, StatementLine::amount, StatementLine::reference, StatementLine::text)
                .containsExactly(
                        tuple(
                                GroupKind.TOP_UP,
                                MicroUsd.ofCents(500),
                                after.id().reference(),
                                "Top-up"),
                        tuple(GroupKind.CALL, new MicroUsd(-140), call.id().reference(), "openai/gpt-x for greeter"));
        assertThat(second.lines())
                .extracting(StatementLine::reference)
                .containsExactly(before.id().reference());
        assertThat(second.next()).isNull();
        assertThat(oldest.lines())
                .extracting(StatementLine::reference)
                .containsExactly(before.id().reference(), call.id().reference());
    }

    @Test
    void knows_every_tenant_that_was_posted_for() {
        store().post(tenant, List.of(group(Ids.v7())));

        assertThat(store().tenants()).contains(tenant).doesNotContain(stranger);
    }

    @Test
    void keeps_the_first_customer_of_each_mode() {
        assertThat(store().customer(tenant, true)).isEmpty();

        assertThat(store().keepCustomer(tenant, true, "cus_1")).isEqualTo("cus_1");
        assertThat(store().keepCustomer(tenant, true, "cus_2")).isEqualTo("cus_1");
        assertThat(store().keepCustomer(tenant, false, "cus_3")).isEqualTo("cus_3");

        assertThat(store().customer(tenant, true)).contains("cus_1");
        assertThat(store().customer(tenant, false)).contains("cus_3");
    }

    @Test
    void puts_another_customer_in_the_place_of_one_that_is_gone_once() {
        store().keepCustomer(tenant, true, "cus_1");
        store().keepCustomer(tenant, false, "cus_3");

        assertThat(store().replaceCustomer(tenant, true, "cus_1", "cus_4")).isEqualTo("cus_4");
        assertThat(store().replaceCustomer(tenant, true, "cus_1", "cus_5"))
                .as("another was quicker")
                .isEqualTo("cus_4");
        assertThat(store().customer(tenant, true)).contains("cus_4");
        assertThat(store().customer(tenant, false)).contains("cus_3");
    }

    private List<PostingGroup> walk(Book book, LineOrder order, int limit) {
        List<PostingGroup> walked = new ArrayList<>();
        List<PostingGroup> page = store().list(tenant, book, order, null, limit);
        while (!page.isEmpty()) {
            assertThat(page).hasSizeLessThanOrEqualTo(limit);
            walked.addAll(page);
            page = store().list(tenant, book, order, LinePosition.of(page.getLast()), limit);
        }
        return walked;
    }

    private PostingGroup topUp(Instant at) {
        return topUp(tenant, at);
    }

    private static PostingGroup topUp(TenantId tenant, Instant at) {
        return PostingGroup.transfer(
                GroupId.of(GroupKind.TOP_UP, "pi_" + Ids.v7()),
                tenant,
                at,
                MicroUsd.ofCents(500),
                Account.stripeBalance(true),
                Account.creditOf(tenant));
    }

    private PostingGroup group(UUID receipt) {
        return PostingGroup.of(Calls.call(tenant, receipt)).in(1);
    }

    private List<PostingGroup> groupsOfTenant() {
        List<PostingGroup> found = new ArrayList<>();
        store().forEach(
                        group -> {
                            if (group.tenant().equals(tenant)) {
                                found.add(group);
                            }
                        },
                        broken -> fail(broken.toString()));
        return found;
    }

    private interface Writer {
        int write(int number);
    }

    private static int race(int writers, Writer writer) throws InterruptedException, ExecutionException {
        List<Future<Integer>> running = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < writers; i++) {
                int number = i;
                running.add(threads.submit(() -> writer.write(number)));
            }
        }
        int sum = 0;
        for (Future<Integer> each : running) {
            sum += each.get();
        }
        return sum;
    }
}
