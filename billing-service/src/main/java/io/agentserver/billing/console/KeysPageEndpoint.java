package io.agentserver.billing.console;

import io.agentserver.tenancy.Scope;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestAttribute;
import org.springframework.web.bind.annotation.RequestParam;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** {@code /console/{org}/keys}: API keys. A secret is on the one page that answers its making, and nowhere else. */
@Controller
public final class KeysPageEndpoint {
    private static final List<Integer> LIFETIMES = List.of(7, 30, 90, 365);

    private static final Map<String, Comparator<Row>> ORDERS = Map.of(
            "name", Comparator.comparing(row -> row.name().toLowerCase(java.util.Locale.ROOT)),
            "created", Comparator.comparing(Row::createdAt),
            // without an end is after every end
            "expires", Comparator.comparing(row -> row.expiresAt().isEmpty() ? "~" : row.expiresAt()),
            "used", Comparator.comparing(Row::lastUsedAt)); // never used is before every use

    private final Gateway gateway;
    private final Clock clock;

    /**
     * @param expiresAt empty: never
     * @param lastUsedAt empty: never, or not known
     * @param usesKnown whether the gateway could tell
     */
    record Row(
            String id,
            String name,
            List<String> scopes,
            String createdAt,
            String expiresAt,
            String lastUsedAt,
            boolean usesKnown) {
        static Row of(JsonNode key) {
            return new Row(
                    key.path("id").asString(""),
                    key.path("name").asString(""),
                    key.path("scopes").values().stream().map(JsonNode::asString).toList(),
                    key.path("created_at").asString(""),
                    key.path("expires_at").asString(""),
                    key.path("last_used_at").asString(""),
                    key.has("last_used_at"));
        }
    }

    public KeysPageEndpoint(Gateway gateway, Clock clock) {
        this.gateway = gateway;
        this.clock = clock;
    }

    @GetMapping("/console/{org}/keys")
    @May(Action.SEE_KEYS)
    String page(
            @RequestAttribute Visit visit,
            @RequestParam(defaultValue = "created") String sort,
            @RequestParam(defaultValue = "desc") String dir,
            @RequestParam(defaultValue = "1") int page,
            Model model) {
        Sorting sorting = Sorting.of(sort, dir);
        Comparator<Row> order = Objects.requireNonNull(ORDERS.getOrDefault(sort, ORDERS.get("created")));
        List<Row> all = gateway.keys(visit.tenant()).json().path("data").values().stream()
                .map(Row::of)
                .sorted(sorting.descending() ? order.reversed() : order)
                .toList();
        model.addAttribute("keys", Paged.of(all, page));
        model.addAttribute("sorting", sorting);
        model.addAttribute("scopes", grantable(visit.role()));
        model.addAttribute("lifetimes", LIFETIMES);
        return "console/keys";
    }

    @PostMapping("/console/{org}/keys")
    @May(Action.CHANGE_KEYS)
    String create(
            @RequestAttribute Visit visit,
            @RequestParam String name,
            @RequestParam(required = false) @Nullable List<String> scopes,
            @RequestParam(defaultValue = "0") int days,
            HttpServletResponse response,
            Model model) {
        if (name.isBlank() || scopes == null) {
            return refused(
                    visit,
                    name.isBlank() ? "Give the key a name: what will use it." : "Choose what the key may do.",
                    response,
                    model);
        }
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("name", name.strip());
        body.put("scopes", scopes);
        if (LIFETIMES.contains(days)) {
            body.put("expires_at", clock.instant().plus(Duration.ofDays(days)).toString());
        }
        return made(
                visit,
                gateway.createKey(
                        visit.tenant(),
                        grantable(visit.role()),
                        JsonMapper.shared().writeValueAsString(body)),
                response,
                model);
    }

    @PostMapping("/console/{org}/keys/{id}/rotate")
    @May(Action.CHANGE_KEYS)
    String rotate(@RequestAttribute Visit visit, @PathVariable String id, HttpServletResponse response, Model model) {
        model.addAttribute("rotated", true);
        return made(visit, gateway.rotateKey(visit.tenant(), grantable(visit.role()), id), response, model);
    }

    @PostMapping("/console/{org}/keys/{id}/revoke")
    @May(Action.CHANGE_KEYS)
    String revoke(@RequestAttribute Visit visit, @PathVariable String id) {
        gateway.revokeKey(visit.tenant(), id); // one that is gone already is as wanted
        return "redirect:/console/" + visit.tenant() + "/keys?notice=" + Notice.KEY_REVOKED.wireName();
    }

    /** Nobody hands out what they may not do: money is not a developer's. */
    static Set<Scope> grantable(Role role) {
        return switch (role) {
            case OWNER -> EnumSet.allOf(Scope.class);
            case DEVELOPER -> EnumSet.complementOf(EnumSet.of(Scope.BILLING_WRITE));
            case BILLING, VIEWER -> EnumSet.noneOf(Scope.class);
        };
    }

    private String made(Visit visit, Gateway.Answer answer, HttpServletResponse response, Model model) {
        if (!answer.isOk()) {
            return refused(visit, answer.reason(), response, model);
        }
        model.addAttribute("secret", answer.json().path("secret").asString(""));
        model.addAttribute("made", Row.of(answer.json()));
        return page(visit, "created", "desc", 1, model);
    }

    private String refused(Visit visit, String problem, HttpServletResponse response, Model model) {
        response.setStatus(422);
        model.addAttribute("problem", problem);
        return page(visit, "created", "desc", 1, model);
    }
}
