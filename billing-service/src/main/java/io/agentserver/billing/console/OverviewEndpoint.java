package io.agentserver.billing.console;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.messages.KafkaMessageLog;
import io.agentserver.billing.messages.MessageDays;
import io.agentserver.billing.topup.TopUps;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestAttribute;
import tools.jackson.databind.JsonNode;

import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;

/** {@code /console/{org}/overview}: how the org is doing. */
@Controller
public final class OverviewEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(OverviewEndpoint.class);
    private static final int DAYS = 30;
    private static final int MOST = 100;

    private final Ledger ledger;
    private final Gateway gateway;
    private final TopUps topUps;
    private final MessageDays messages;
    private final Clock clock;

    /**
     * The conversations that are still kept.
     *
     * @param more whether there are others, which were not counted
     */
    record Kept(int conversations, long open, long failed, boolean more) {}

    public OverviewEndpoint(Ledger ledger, Gateway gateway, TopUps topUps, MessageDays messages, Clock clock) {
        this.ledger = ledger;
        this.gateway = gateway;
        this.topUps = topUps;
        this.messages = messages;
        this.clock = clock;
    }

    @GetMapping("/console/{org}/overview")
    @May(Action.SEE_OVERVIEW)
    String overview(@RequestAttribute Visit visit, Model model) {
        LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
        model.addAttribute("days", Days.last(DAYS, today, visit.tenant(), ledger, () -> messages(visit, today)));
        model.addAttribute("means", topUps.means());
        return "console/overview";
    }

    /** For htmx, when the page is there: counting them takes longer than all the rest. */
    @GetMapping("/console/{org}/overview/kept")
    @May(Action.SEE_OVERVIEW)
    String kept(@RequestAttribute Visit visit, Model model) {
        model.addAttribute("kept", count(visit).orElse(null));
        return "console/kept :: kept";
    }

    /** None while the log is away. */
    private Map<LocalDate, Long> messages(Visit visit, LocalDate today) {
        try {
            return messages.count(visit.tenant(), today.minusDays(DAYS - 1));
        } catch (KafkaMessageLog.Away e) {
            LOG.warn("the overview of {} lacks its messages", visit.tenant(), e);
            return Map.of();
        }
    }

    /** Empty while the gateway is away. */
    private Optional<Kept> count(Visit visit) {
        try {
            Gateway.Answer answer = gateway.conversations(visit.tenant(), MOST, "desc", "");
            if (!answer.isOk()) {
                return Optional.empty();
            }
            long open = 0;
            long failed = 0;
            JsonNode data = answer.json().path("data");
            for (JsonNode conversation : data.values()) {
                String state = conversation.path("state").asString("");
                open += state.equals("open") ? 1 : 0;
                failed += state.equals("failed") ? 1 : 0;
            }
            return Optional.of(new Kept(data.size(), open, failed, answer.json().has("next_cursor")));
        } catch (Gateway.Away e) {
            LOG.warn("the overview of {} lacks its conversations", visit.tenant(), e);
            return Optional.empty();
        }
    }
}
