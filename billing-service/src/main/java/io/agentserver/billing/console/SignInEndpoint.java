package io.agentserver.billing.console;

import io.agentserver.billing.console.security.CookieSecurityContexts;
import io.agentserver.billing.console.security.Doorkeeper;
import io.agentserver.envelope.TenantId;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;

import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** {@code /console}, {@code /console/sign-in}, {@code /console/orgs}: in, and to which org. */
@Controller
public final class SignInEndpoint {
    private static final TenantId DEMO = new TenantId("demo");

    /** What a browser calls this machine: a page elsewhere, whose name was made to lead here, is no friend. */
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]", "::1");

    private final ConsoleProperties properties;
    private final CookieSecurityContexts contexts;
    private final Orgs orgs;
    private final DynamoMembers members;

    public SignInEndpoint(
            ConsoleProperties properties, CookieSecurityContexts contexts, Orgs orgs, DynamoMembers members) {
        this.properties = properties;
        this.contexts = contexts;
        this.orgs = orgs;
        this.members = members;
    }

    @GetMapping("/console/sign-in")
    String page(
            @RequestParam(required = false) @Nullable String error,
            @RequestParam(name = "signed-out", required = false) @Nullable String signedOut,
            Model model) {
        model.addAttribute("demo", properties.demo());
        model.addAttribute("oidc", properties.hasOidc());
        model.addAttribute("roles", Role.values());
        model.addAttribute("error", error);
        model.addAttribute("signedOut", signedOut != null);
        return "console/sign-in";
    }

    /** In dev alone: as somebody of the demo org, in a role that one chooses. */
    @PostMapping("/console/sign-in/demo")
    String demo(@RequestParam String role, HttpServletRequest request, HttpServletResponse response) {
        if (!properties.demo() || !LOOPBACK.contains(request.getServerName()) || isForwarded(request)) {
            throw new NotHere();
        }
        Role chosen = Role.of(role).orElseThrow(NotHere::new);
        Person person = new Person(chosen.wireName() + "@demo.test", "Demo " + chosen.label());
        members.ensure(DEMO, person.email(), chosen);
        contexts.signIn(person, request, response);
        return "redirect:/console/" + DEMO + "/overview";
    }

    /** A proxy on this machine would let in whoever it serves. */
    private static boolean isForwarded(HttpServletRequest request) {
        return Stream.of("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
                .anyMatch(name -> request.getHeader(name) != null);
    }

    /** Where the filter chain sends a form without its token. */
    @RequestMapping("/console/sign-in/stale")
    String stale(HttpServletResponse response) {
        response.setStatus(HttpServletResponse.SC_FORBIDDEN);
        return "console/stale";
    }

    @GetMapping("/console")
    String start() {
        List<Visit> all = orgs.of(Doorkeeper.signedIn());
        return all.size() == 1
                ? "redirect:/console/" + all.getFirst().tenant() + "/overview"
                : "redirect:/console/orgs";
    }

    @GetMapping("/console/orgs")
    String orgs(Model model) {
        Person person = Doorkeeper.signedIn();
        model.addAttribute("person", person);
        model.addAttribute("orgs", orgs.of(person));
        return "console/orgs";
    }

    @PostMapping("/console/orgs/claim")
    String claim(@RequestParam String key, HttpServletResponse response, Model model) {
        return switch (orgs.claim(Doorkeeper.signedIn(), key)) {
            case Orgs.Claim.Owner(TenantId tenant) ->
                "redirect:/console/" + tenant + "/overview?notice=" + Notice.ORG_CLAIMED.wireName();
            case Orgs.Claim.NoSuchKey() ->
                refused(
                        "That is no living API key with all scopes. Paste the whole key, as_live_… or as_test_….",
                        response,
                        model);
            case Orgs.Claim.HasOwner() ->
                refused(
                        "This org has an owner already. Ask them to add your e-mail address under People.",
                        response,
                        model);
            case Orgs.Claim.Away() ->
                refused("The directory of orgs is away for the moment. Try again.", response, model);
        };
    }

    private String refused(String problem, HttpServletResponse response, Model model) {
        response.setStatus(422);
        model.addAttribute("problem", problem);
        return orgs(model);
    }

    /** Whatever else is asked for. */
    @RequestMapping("/console/**")
    String nothing(HttpServletResponse response, Model model) {
        response.setStatus(HttpServletResponse.SC_NOT_FOUND);
        model.addAttribute("title", "There is nothing here");
        model.addAttribute("text", "The address is wrong, or it is not for you to see.");
        return "console/problem";
    }
}
