package io.agentserver.billing.console;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.UsageReport;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestAttribute;
import org.springframework.web.bind.annotation.RequestParam;

import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;

/** {@code /console/{org}/usage}: what was used, by day, model and listener. */
@Controller
public final class UsagePageEndpoint {
    private static final List<Integer> SPANS = List.of(7, 30, 90, 365);

    private final Ledger ledger;
    private final Clock clock;

    public UsagePageEndpoint(Ledger ledger, Clock clock) {
        this.ledger = ledger;
        this.clock = clock;
    }

    @GetMapping("/console/{org}/usage")
    @May(Action.SEE_USAGE)
    String usage(
            @RequestAttribute Visit visit,
            @RequestParam(defaultValue = "all") String by,
            @RequestParam(defaultValue = "30") int days,
            @RequestParam(defaultValue = "day") String sort,
            @RequestParam(defaultValue = "desc") String dir,
            @RequestParam(defaultValue = "1") int page,
            Model model) {
        int span = SPANS.contains(days) ? days : 30;
        LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
        UsageReport report = ledger.usage(visit.tenant(), today.minusDays(span - 1), today);
        model.addAttribute("table", UsageTable.of(report, by, Sorting.of(sort, dir), page));
        model.addAttribute("span", span);
        model.addAttribute("spans", SPANS);
        model.addAttribute("dimensions", UsageTable.DIMENSIONS);
        return "console/usage";
    }
}
