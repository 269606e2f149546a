package io.agentserver.billing.console;

import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestAttribute;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** {@code /console/{org}/conversations}: the kept ones, and one as it goes on. */
@Controller
public final class ConversationsEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(ConversationsEndpoint.class);
    private static final int PAGE_SIZE = 25;
    private static final String ACTIVITY = "activity";
    private static final int SLOTS = 100;
    private static final int TOO_MANY = 429;
    private static final Pattern SEQUENCE = Pattern.compile("[0-9]{1,18}");

    private final Gateway gateway;
    private final LiveSlots live;
    private final Watchers watchers;

    /**
     * @param to the listener that was first written to; empty: none yet
     * @param messages the sequence number of its last one
     */
    record Row(
            String id,
            String state,
            String to,
            String createdAt,
            String lastActivity,
            long messages,
            long inputTokens,
            long outputTokens) {
        static Row of(JsonNode conversation) {
            return new Row(
                    conversation.path("id").asString(""),
                    conversation.path("state").asString(""),
                    conversation.path("to").asString(""),
                    conversation.path("created_at").asString(""),
                    conversation.path("last_activity").asString(""),
                    conversation.path("last_sequence").asLong(0),
                    conversation.path("tokens").path("input").asLong(0),
                    conversation.path("tokens").path("output").asLong(0));
        }
    }

    public ConversationsEndpoint(Gateway gateway, LiveSlots live, Watchers watchers) {
        this.gateway = gateway;
        this.live = live;
        this.watchers = watchers;
    }

    @GetMapping("/console/{org}/conversations")
    @May(Action.SEE_CONVERSATIONS)
    String list(
            @RequestAttribute Visit visit,
            @RequestParam(defaultValue = "desc") String dir,
            @RequestParam(defaultValue = "") String cursor,
            Model model) {
        Sorting sorting = Sorting.of(ACTIVITY, dir); // the one order that the buffer keeps for all of them
        Gateway.Answer answer = gateway.conversations(visit.tenant(), PAGE_SIZE, sorting.direction(), cursor);
        if (!answer.isOk()) {
            throw new NotHere(); // a cursor that the gateway did not make
        }
        model.addAttribute(
                "rows",
                answer.json().path("data").values().stream().map(Row::of).toList());
        model.addAttribute("next", answer.json().path("next_cursor").asString(""));
        model.addAttribute("sorting", sorting);
        model.addAttribute("cursor", cursor);
        return "console/conversations";
    }

    @GetMapping("/console/{org}/conversations/{id}")
    @May(Action.SEE_CONVERSATIONS)
    String one(
            @RequestAttribute Visit visit,
            @PathVariable String id,
            @RequestParam(defaultValue = "0") String after,
            Model model) {
        long from = Long.parseLong(sequence(after));
        Row conversation =
                Row.of(found(gateway.conversation(visit.tenant(), id)).json());
        Gateway.Answer slots = found(gateway.slots(visit.tenant(), id, from, SLOTS));
        List<SlotView> shown =
                slots.json().path("data").values().stream().map(SlotView::of).toList();
        long last = shown.isEmpty() ? from : shown.getLast().sequence();
        model.addAttribute("conversation", conversation);
        model.addAttribute("slots", shown);
        model.addAttribute("last", last);
        model.addAttribute("after", from);
        model.addAttribute("earlier", Math.max(0, from - SLOTS));
        // the last page alone is live: another one would pull all that is behind it
        model.addAttribute("later", shown.size() == SLOTS && last < conversation.messages());
        model.addAttribute("newest", Math.max(0, conversation.messages() - SLOTS));
        return "console/conversation";
    }

    @PostMapping("/console/{org}/conversations/{id}/cancel")
    @May(Action.CANCEL_CONVERSATIONS)
    String cancel(@RequestAttribute Visit visit, @PathVariable String id) {
        found(gateway.cancel(visit.tenant(), id));
        return "redirect:/console/" + visit.tenant() + "/conversations/" + id + "?notice="
                + Notice.CONVERSATION_CANCELLED.wireName();
    }

    /** Blocks its virtual thread for as long as a turn is open and somebody looks. */
    @GetMapping("/console/{org}/conversations/{id}/events")
    @May(Action.SEE_CONVERSATIONS)
    void events(
            @RequestAttribute Visit visit,
            @PathVariable String id,
            @RequestParam(defaultValue = "0") String after,
            @RequestHeader(value = "Last-Event-ID", required = false) @Nullable String last,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        String from = sequence(last == null ? after : last);
        Optional<Watchers.Watching> watching = watchers.enter(visit);
        if (watching.isEmpty()) {
            response.setStatus(TOO_MANY);
            return;
        }
        try (Watchers.Watching place = watching.get()) {
            stream(visit, id, from, place, response);
        }
    }

    private void stream(Visit visit, String id, String from, Watchers.Watching place, HttpServletResponse response)
            throws IOException, InterruptedException {
        HttpResponse<InputStream> events = gateway.events(visit.tenant(), id, from);
        try (InputStream in = events.body()) {
            if (events.statusCode() != 200) {
                throw events.statusCode() < 500
                        ? new NotHere()
                        : new Gateway.Away("the gateway answered " + events.statusCode(), null);
            }
            response.setContentType("text/event-stream;charset=UTF-8");
            response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
            response.setHeader("X-Accel-Buffering", "no");
            response.flushBuffer();
            live.copy(in, response.getOutputStream(), place::isStillAllowed);
        } catch (IOException e) {
            LOG.debug("whoever watched a conversation has gone: {}", e.toString());
        }
    }

    private static String sequence(String number) {
        if (!SEQUENCE.matcher(number).matches()) {
            throw new NotHere();
        }
        return number;
    }

    private static Gateway.Answer found(Gateway.Answer answer) {
        if (!answer.isOk()) {
            throw new NotHere();
        }
        return answer;
    }
}
