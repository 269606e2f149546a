package io.agentserver.billing.console;

import io.agentserver.billing.ledger.Book;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LineOrder;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.StatementLine;
import io.agentserver.billing.ledger.StatementPage;
import io.agentserver.billing.ledger.UsageLine;
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
     * @param days how many, today included
     * @param messages by day; one that is not known is missing
     */
    static Days last(int days, LocalDate today, TenantId tenant, Ledger ledger, Map<LocalDate, Long> messages) {
        LocalDate from = today.minusDays(days - 1);
        Map<LocalDate, UsageSum> used = new HashMap<>();
        for (UsageLine line : ledger.usage(tenant, from, today).lines()) {
            used.merge(line.day(), line.sum(), UsageSum::plus);
        }
        Map<LocalDate, MicroUsd> moved = new HashMap<>();
        LocalDate known = moved(tenant, ledger, from, moved);
        MicroUsd credit = ledger.balance(tenant).credit();
        Day[] all = new Day[days];
        UsageSum total = UsageSum.NONE;
        @Nullable MicroUsd left = credit;
        for (int i = days - 1; i >= 0; i--) {
            LocalDate day = from.plusDays(i);
            UsageSum sum = used.getOrDefault(day, UsageSum.NONE);
            all[i] = new Day(day, sum, left, messages.get(day));
            total = total.plus(sum);
            left = left == null || day.isBefore(known)
                    ? null
                    : left.plus(sum.price())
                            .plus(moved.getOrDefault(day, MicroUsd.ZERO).negated());
        }
        return new Days(List.of(all), total, credit, !known.isAfter(from));
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

    /** Top-ups and the like by day; returns the first day that all of them are known of. */
    private static LocalDate moved(TenantId tenant, Ledger ledger, LocalDate from, Map<LocalDate, MicroUsd> into) {
        String cursor = null;
        LocalDate reached = LocalDate.MAX;
        for (int page = 0; page < MOST_PAGES; page++) {
            StatementPage lines = ledger.statement(tenant, Set.of(Book.MONEY), LineOrder.NEWEST_FIRST, cursor, PAGE);
            for (StatementLine line : lines.lines()) {
                LocalDate day = line.at().atZone(ZoneOffset.UTC).toLocalDate();
                into.merge(day, line.amount(), MicroUsd::plus);
                reached = day;
            }
            cursor = lines.next();
            if (cursor == null || reached.isBefore(from)) {
                return from;
            }
        }
        return reached.plusDays(1);
    }
}
