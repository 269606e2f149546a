package io.agentserver.billing.console;

import io.agentserver.billing.ledger.Book;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LineOrder;
import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.SealedBatch;
import io.agentserver.billing.ledger.StatementLine;
import io.agentserver.billing.ledger.StatementPage;
import io.agentserver.billing.topup.PaymentsAwayException;
import io.agentserver.billing.topup.TopUpAmount;
import io.agentserver.billing.topup.TopUps;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestAttribute;
import org.springframework.web.bind.annotation.RequestParam;

import java.math.BigDecimal;
import java.net.URI;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** {@code /console/{org}/credit}: what is left, what came and went, and more of it. */
@Controller
public final class CreditEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(CreditEndpoint.class);
    private static final int PAGE_SIZE = 25;
    private static final String WHEN = "when";
    private static final List<Integer> DOLLARS = List.of(10, 25, 100, 500);

    private final Ledger ledger;
    private final MeterOutbox outbox;
    private final TopUps topUps;
    private final ConsoleProperties properties;

    public CreditEndpoint(Ledger ledger, MeterOutbox outbox, TopUps topUps, ConsoleProperties properties) {
        this.ledger = ledger;
        this.outbox = outbox;
        this.topUps = topUps;
        this.properties = properties;
    }

    /** @param told Stripe has confirmed it */
    record MeterEvent(UUID id, boolean told) {}

    @GetMapping("/console/{org}/credit")
    @May(Action.SEE_CREDIT)
    String page(
            @RequestAttribute Visit visit,
            @RequestParam(defaultValue = "money") String show,
            @RequestParam(defaultValue = "desc") String dir,
            @RequestParam(required = false) @Nullable String cursor,
            Model model) {
        Set<Book> books = show.equals("all") ? EnumSet.allOf(Book.class) : EnumSet.of(Book.MONEY);
        Sorting sorting = Sorting.of(WHEN, dir); // the one order that the ledger keeps for all of it
        LineOrder order = sorting.descending() ? LineOrder.NEWEST_FIRST : LineOrder.OLDEST_FIRST;
        StatementPage statement;
        try {
            statement = ledger.statement(visit.tenant(), books, order, cursor, PAGE_SIZE);
        } catch (IllegalArgumentException e) {
            throw new NotHere(); // a cursor that the ledger did not make
        }
        model.addAttribute("statement", statement);
        model.addAttribute("events", events(visit.tenant(), statement));
        model.addAttribute("balance", ledger.balance(visit.tenant()));
        model.addAttribute("show", books.size() == 1 ? "money" : "all");
        model.addAttribute("sorting", sorting);
        model.addAttribute("cursor", cursor);
        model.addAttribute("means", topUps.means());
        model.addAttribute("amounts", DOLLARS);
        model.addAttribute("attempt", Ids.v7());
        return "console/credit";
    }

    /**
     * @param dollars with up to two decimals
     * @param attempt of the form: sent twice, it is one top-up
     */
    @PostMapping("/console/{org}/credit/top-up")
    @May(Action.TOP_UP)
    String topUp(
            @RequestAttribute Visit visit,
            @RequestParam String dollars,
            @RequestParam String attempt,
            HttpServletResponse response,
            Model model) {
        Optional<TopUpAmount> amount = amount(dollars);
        if (amount.isEmpty()) {
            return refused(
                    visit, "Give an amount from 5 to 10,000 dollars, with at most two decimals.", 422, response, model);
        }
        UUID id = attempt(attempt);
        String back = properties.url() + "/" + visit.tenant() + "/credit?notice=";
        switch (topUps.means()) {
            case TEST_CARD -> topUps.testCard(visit.tenant(), id, amount.get());
            case STRIPE -> {
                try {
                    model.addAttribute(
                            "checkout",
                            topUps.checkout(
                                    visit.tenant(),
                                    id,
                                    amount.get(),
                                    URI.create(back + Notice.PAID.wireName()),
                                    URI.create(back + Notice.PAYMENT_CANCELLED.wireName())));
                    return "console/checkout";
                } catch (PaymentsAwayException e) {
                    LOG.warn("no checkout for {}", visit.tenant(), e);
                    return refused(
                            visit,
                            "Stripe does not answer at the moment. Nothing was charged; try again.",
                            503,
                            response,
                            model);
                }
            }
            case NONE -> throw new NotHere();
        }
        return "redirect:/console/" + visit.tenant() + "/credit?notice=" + Notice.TOPPED_UP.wireName();
    }

    /** What Stripe was, or is to be, told of the calls on this page, by the numbers of their batches. */
    private Map<Long, MeterEvent> events(TenantId tenant, StatementPage statement) {
        Set<Long> numbers = statement.lines().stream()
                .map(StatementLine::batch)
                .filter(Objects::nonNull)
                .collect(Collectors.toCollection(TreeSet::new));
        if (numbers.isEmpty()) {
            return Map.of();
        }
        List<SealedBatch> batches = new ArrayList<>();
        try (AtOnce asking = new AtOnce()) {
            List<Supplier<Optional<SealedBatch>>> asked = numbers.stream()
                    .map(number -> asking.ask(() -> outbox.sealed(tenant, number)))
                    .toList();
            asked.forEach(batch -> batch.get().ifPresent(batches::add));
        }
        if (batches.isEmpty()) {
            return Map.of();
        }
        // afterwards: what was sealed by then is either there or told
        Set<UUID> pending = outbox.pending(tenant).stream().map(MeterBatch::id).collect(Collectors.toSet());
        return batches.stream()
                .collect(Collectors.toMap(
                        SealedBatch::number, batch -> new MeterEvent(batch.id(), !pending.contains(batch.id()))));
    }

    private String refused(Visit visit, String problem, int status, HttpServletResponse response, Model model) {
        response.setStatus(status);
        model.addAttribute("problem", problem);
        return page(visit, "money", "desc", null, model);
    }

    private static Optional<TopUpAmount> amount(String dollars) {
        return dollars.matches("[0-9]{1,6}([.][0-9]{1,2})?")
                ? TopUpAmount.parse(
                        new BigDecimal(dollars).movePointRight(2).toBigInteger().toString())
                : Optional.empty();
    }

    private static UUID attempt(String text) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw new NotHere();
        }
    }
}
