package io.agentserver.billing.console;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.http.HttpMethod;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import static io.agentserver.billing.console.Role.BILLING;
import static io.agentserver.billing.console.Role.DEVELOPER;
import static io.agentserver.billing.console.Role.OWNER;
import static io.agentserver.billing.console.Role.VIEWER;
import static org.assertj.core.api.Assertions.assertThat;

/** Every page and form of an org, asked for by every role over HTTP. */
class RolesTest {
    /** Written down once more, so that a slip in {@link Action} shows. */
    private static final Map<Action, Set<Role>> ALLOWED = new EnumMap<>(Map.ofEntries(
            Map.entry(Action.SEE_OVERVIEW, EnumSet.allOf(Role.class)),
            Map.entry(Action.SEE_CONVERSATIONS, EnumSet.of(OWNER, DEVELOPER, VIEWER)),
            Map.entry(Action.CANCEL_CONVERSATIONS, EnumSet.of(OWNER, DEVELOPER)),
            Map.entry(Action.SEE_ORGANISM, EnumSet.of(OWNER, DEVELOPER, VIEWER)),
            Map.entry(Action.CHANGE_ORGANISM, EnumSet.of(OWNER, DEVELOPER)),
            Map.entry(Action.SEE_KEYS, EnumSet.of(OWNER, DEVELOPER)),
            Map.entry(Action.CHANGE_KEYS, EnumSet.of(OWNER, DEVELOPER)),
            Map.entry(Action.SEE_USAGE, EnumSet.allOf(Role.class)),
            Map.entry(Action.SEE_CREDIT, EnumSet.of(OWNER, BILLING)),
            Map.entry(Action.TOP_UP, EnumSet.of(OWNER, BILLING)),
            Map.entry(Action.SEE_PEOPLE, EnumSet.allOf(Role.class)),
            Map.entry(Action.CHANGE_PEOPLE, EnumSet.of(OWNER))));

    @TempDir
    static Path directory;

    private static RunningConsole console;

    @BeforeAll
    static void start() {
        console = RunningConsole.start(directory, Map.of());
        console.putTenant("demo");
        console.putTenant("other");
    }

    @AfterAll
    static void stop() {
        console.close();
    }

    @Test
    void every_page_and_form_is_open_to_the_roles_of_its_action_and_to_no_other() {
        Map<String, Route> routes = routes();
        assertThat(routes.values().stream().map(Route::action)).containsAll(ALLOWED.keySet());
        for (Role role : Role.values()) {
            try (Visitor visitor = Visitor.as(role, console.url())) {
                routes.forEach((path, route) -> {
                    HttpResponse<String> answer = visit(visitor, path.replace("{org}", "demo"), route);
                    boolean refused =
                            answer.statusCode() == 403 && answer.body().contains("Your role does not allow this");
                    assertThat(!refused)
                            .as("%s %s as %s: %d", route.method(), path, role, answer.statusCode())
                            .isEqualTo(ALLOWED.getOrDefault(route.action(), Set.of())
                                    .contains(role));
                });
            }
        }
    }

    @Test
    void no_form_does_anything_without_the_token_of_its_page() {
        try (Visitor owner = Visitor.as(OWNER, console.url())) {
            routes().forEach((path, route) -> {
                if (!route.method().equals(HttpMethod.GET)) {
                    HttpResponse<String> answer =
                            owner.post(path.replace("{org}", "demo"), Map.of("email", "eve@x.test", "role", "owner"));
                    assertThat(answer.statusCode()).as(path).isEqualTo(403);
                    assertThat(answer.body()).as(path).contains("Nothing was done");
                }
            });
            for (String path : List.of("/orgs/claim", "/sign-out")) {
                assertThat(owner.post(path, Map.of("key", "as_live_x")).statusCode())
                        .as(path)
                        .isEqualTo(403);
            }
            assertThat(owner.get("/sign-out").statusCode())
                    .as("a link does not sign out")
                    .isEqualTo(404);
        }
    }

    @Test
    void who_is_no_member_finds_nothing_whether_the_org_exists_or_not() {
        try (Visitor visitor = Visitor.as(OWNER, console.url())) {
            routes().forEach((path, route) -> {
                HttpResponse<String> another = visit(visitor, path.replace("{org}", "other"), route);
                HttpResponse<String> none = visit(visitor, path.replace("{org}", "no-such-org"), route);
                assertThat(another.statusCode()).as(path).isEqualTo(404);
                assertThat(another.body()).doesNotContain("Org other").isEqualTo(none.body());
            });
        }
    }

    @Test
    void who_is_not_signed_in_is_sent_to_the_sign_in() {
        try (Visitor visitor = new Visitor(console.url())) {
            routes().forEach((path, route) -> {
                if (route.method().equals(HttpMethod.GET)) {
                    HttpResponse<String> answer = visitor.get(path.replace("{org}", "demo"));
                    assertThat(answer.statusCode()).as(path).isEqualTo(302);
                    assertThat(answer.headers().firstValue("Location").orElseThrow())
                            .endsWith("/console/sign-in");
                }
            });
        }
    }

    private record Route(HttpMethod method, Action action) {}

    /** By their path below the console and method: all that have an org in their path. */
    private static Map<String, Route> routes() {
        Map<String, Route> routes = new LinkedHashMap<>();
        console.bean(RequestMappingHandlerMapping.class)
                .getHandlerMethods()
                .forEach((mapping, method) -> mapping.getPatternValues().forEach(path -> {
                    if (path.startsWith("/console/{org}")) {
                        May may = Objects.requireNonNull(method.getMethodAnnotation(May.class), method::toString);
                        for (RequestMethod each : mapping.getMethodsCondition().getMethods()) {
                            String below = path.substring("/console".length()).replace("{id}", "no-such-id");
                            // a query makes the same path with two methods two keys
                            routes.put(below + "?" + each, new Route(each.asHttpMethod(), may.value()));
                        }
                    }
                }));
        return routes;
    }

    private static HttpResponse<String> visit(Visitor visitor, String path, Route route) {
        return route.method().equals(HttpMethod.GET)
                ? visitor.get(path)
                : visitor.submit("/orgs", path, Map.of("nothing", "that means anything"));
    }
}
