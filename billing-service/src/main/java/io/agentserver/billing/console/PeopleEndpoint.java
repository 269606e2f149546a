package io.agentserver.billing.console;

import io.agentserver.billing.console.DynamoMembers.Outcome;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestAttribute;
import org.springframework.web.bind.annotation.RequestParam;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** {@code /console/{org}/people}: who may come in, and as what. */
@Controller
public final class PeopleEndpoint {
    private static final Map<String, Comparator<Member>> ORDERS = Map.of(
            "email", Comparator.comparing(Member::email),
            "role", Comparator.comparing(Member::role).thenComparing(Member::email),
            "added", Comparator.comparing(Member::addedBy).thenComparing(Member::email),
            "since", Comparator.comparing(Member::since));

    private final DynamoMembers members;

    public PeopleEndpoint(DynamoMembers members) {
        this.members = members;
    }

    @GetMapping("/console/{org}/people")
    @May(Action.SEE_PEOPLE)
    String people(
            @RequestAttribute Visit visit,
            @RequestParam(defaultValue = "email") String sort,
            @RequestParam(defaultValue = "asc") String dir,
            @RequestParam(defaultValue = "1") int page,
            Model model) {
        Sorting sorting = Sorting.of(sort, dir);
        Comparator<Member> order = Objects.requireNonNull(ORDERS.getOrDefault(sort, ORDERS.get("email")));
        List<Member> all = members.of(visit.tenant()).stream()
                .sorted(sorting.descending() ? order.reversed() : order)
                .toList();
        model.addAttribute("members", Paged.of(all, page));
        model.addAttribute("sorting", sorting);
        model.addAttribute("roles", Role.values());
        return "console/people";
    }

    @PostMapping("/console/{org}/people")
    @May(Action.CHANGE_PEOPLE)
    String add(@RequestAttribute Visit visit, @RequestParam String email, @RequestParam String role) {
        String normal = Person.normal(email);
        if (!Person.isEmail(normal)) {
            return back(visit, Notice.NO_EMAIL);
        }
        Outcome outcome =
                members.add(visit.tenant(), normal, role(role), visit.person().email());
        return back(visit, outcome, Notice.PERSON_ADDED);
    }

    @PostMapping("/console/{org}/people/role")
    @May(Action.CHANGE_PEOPLE)
    String changeRole(@RequestAttribute Visit visit, @RequestParam String email, @RequestParam String role) {
        return back(visit, members.changeRole(visit.tenant(), Person.normal(email), role(role)), Notice.ROLE_CHANGED);
    }

    @PostMapping("/console/{org}/people/remove")
    @May(Action.CHANGE_PEOPLE)
    String remove(@RequestAttribute Visit visit, @RequestParam String email) {
        return back(visit, members.remove(visit.tenant(), Person.normal(email)), Notice.PERSON_REMOVED);
    }

    private static Role role(String wireName) {
        return Role.of(wireName).orElseThrow(NotHere::new);
    }

    private static String back(Visit visit, Outcome outcome, Notice done) {
        return back(
                visit,
                switch (outcome) {
                    case DONE -> done;
                    case ALREADY -> Notice.ALREADY_MEMBER;
                    case LAST_OWNER -> Notice.LAST_OWNER;
                    case NO_SUCH_MEMBER -> Notice.NO_SUCH_MEMBER;
                });
    }

    private static String back(Visit visit, Notice notice) {
        return "redirect:/console/" + visit.tenant() + "/people?notice=" + notice.wireName();
    }
}
