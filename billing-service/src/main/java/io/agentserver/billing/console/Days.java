package io.agentserver.billing.console;

import io.agentserver.billing.ledger.Book;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LineOrder;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.StatementLine;
import io.agentserver.billing.ledger.StatementPage;
import io.agentserver.billing.ledger.UsageLine;
import io.agentserver.billing.ledger.UsageReport;
import io.agentserver.billing.ledger.UsageSum;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;

/**
 * An org's last days (UTC), for charts: what was used, and the credit at each day's end, counted back from what there is now.
 *
 * @param complete false if so much money moved that the credit of the first days was not counted back
 */
record Days(List<Day> days, UsageSum total, MicroUsd credit, boolean complete) {
    private static final int PAGE = 100;
    private static final int MOST_PAGES = 5;

    /**
     * @param credit null: not counted back so far
     * @param messages null: not known
     */
    record Day(
            LocalDate day,
            UsageSum sum,
            @Nullable MicroUsd credit,
            @Nullable Long messages) {}

    /**
     * Asks for all of it at once.
     *
     * @param days how many, today included
     * @param messages gives them by day; one that is not known is missing
     */
    static Days last(
            int days, LocalDate today, TenantId tenant, Ledger ledger, Supplier<Map<LocalDate, Long>> messages) {
        LocalDate from = today.minusDays(days - 1);
        try (AtOnce page = new AtOnce()) {
            Supplier<UsageReport> usage = page.ask(() -> ledger.usage(tenant, from, today));
            Supplier<Moved> moved = page.ask(() -> Moved.since(from, tenant, ledger));
            Supplier<Map<LocalDate, Long>> counts = page.ask(messages);
            MicroUsd credit = ledger.balance(tenant).credit();
            return of(days, from, usage.get(), moved.get(), credit, counts.get());
        }
    }

    private static Days of(
            int days, LocalDate from, UsageReport usage, Moved moved, MicroUsd credit, Map<LocalDate, Long> messages) {
        Map<LocalDate, UsageSum> used = new HashMap<>();
        for (UsageLine line : usage.lines()) {
            used.merge(line.day(), line.sum(), UsageSum::plus);
        }
        Day[] all = new Day[days];
        UsageSum total = UsageSum.NONE;
        @Nullable MicroUsd left = credit;
        for (int i = days - 1; i >= 0; i--) {
            LocalDate day = from.plusDays(i);
            UsageSum sum = used.getOrDefault(day, UsageSum.NONE);
            all[i] = new Day(day, sum, left, messages.get(day));
            total = total.plus(sum);
            left = left == null || day.isBefore(moved.known())
                    ? null
                    : left.plus(sum.price())
                            .plus(moved.byDay().getOrDefault(day, MicroUsd.ZERO).negated());
        }
        return new Days(List.of(all), total, credit, !moved.known().isAfter(from));
    }

    /** Whether the messages of any day are known. */
    public boolean counted() {
        return days.stream().anyMatch(day -> day.messages() != null);
    }

    /** Of the days whose count is known. */
    public long messages() {
        return days.stream()
                .map(Day::messages)
                .filter(Objects::nonNull)
                .mapToLong(Long::longValue)
                .sum();
    }

    /**
     * Top-ups and the like.
     *
     * @param known the first day that all of them are known of
     */
    private record Moved(Map<LocalDate, MicroUsd> byDay, LocalDate known) {
        static Moved since(LocalDate from, TenantId tenant, Ledger ledger) {
            Map<LocalDate, MicroUsd> byDay = new HashMap<>();
            String cursor = null;
            LocalDate reached = LocalDate.MAX;
            for (int page = 0; page < MOST_PAGES; page++) {
                StatementPage lines =
                        ledger.statement(tenant, Set.of(Book.MONEY), LineOrder.NEWEST_FIRST, cursor, PAGE);
                for (StatementLine line : lines.lines()) {
                    LocalDate day = line.at().atZone(ZoneOffset.UTC).toLocalDate();
                    byDay.merge(day, line.amount(), MicroUsd::plus);
                    reached = day;
                }
                cursor = lines.next();
                if (cursor == null || reached.isBefore(from)) {
                    return new Moved(byDay, from);
                }
            }
            return new Moved(byDay, reached.plusDays(1));
        }
    }
}
