package io.agentserver.router;

import io.agentserver.service.ConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class RouteTablesTest {
    @Test
    void routes_to_the_simulated_provider_when_no_key_is_there() {
        RouteTable table = tables(Map.of()).ofEnvironment();
        Route route = table.resolve("default").orElseThrow();
        assertThat(route.chain()).extracting(Route.Target::fullName).containsExactly("simulated/default");
        assertThat(route.stub()).isEmpty();
        assertThat(table.resolve("openai/gpt-4.1-mini")).isEmpty();
    }

    @Test
    void routes_to_the_providers_whose_keys_are_there() {
        RouteTable table = tables(Map.of("OPENAI_API_KEY", "sk-1", "GROQ_API_KEY", " gsk ", "ANTHROPIC_API_KEY", " "))
                .ofEnvironment();
        assertThat(table.resolve("fast").orElseThrow().chain())
                .extracting(Route.Target::fullName)
                .containsExactly("openai/gpt-4.1-mini", "groq/openai/gpt-oss-120b");
        assertThat(table.resolve("groq/openai/gpt-oss-20b").orElseThrow().chain())
                .extracting(Route.Target::model)
                .containsExactly("openai/gpt-oss-20b");
        assertThat(table.resolve("simulated/x")).isPresent();
        assertThat(table.resolve("anthropic/claude-haiku-4-5")).isEmpty();
        assertThat(table.isListed("openai", "gpt-4.1-mini")).isTrue();
        assertThat(table.isListed("openai", "anything")).isFalse();
    }

    @Test
    void has_a_price_for_every_model_that_it_asks_without_a_file() {
        RouteTable table = tables(Map.of("OPENAI_API_KEY", "1", "ANTHROPIC_API_KEY", "2", "GROQ_API_KEY", "3"))
                .ofEnvironment();
        List<Route.Target> chain = table.resolve("default").orElseThrow().chain();
        assertThat(chain)
                .hasSize(3)
                .allSatisfy(target -> assertThat(
                                table.prices().knows(target.backend().provider(), target.model()))
                        .as(target.fullName())
                        .isTrue());
    }

    @Test
    void reads_chains_stubs_limits_and_prices_from_the_file() {
        RouteTable table = table("""
                providers:
                  - {name: pool, url: "http://127.0.0.1:8000/v1/", price: {input: 10, output: 20}}
                routes:
                  default:
                    chain: [pool/llama3, simulated/x]
                    stub: Later.
                    first_token: 250ms
                    total: 2m
                """);
        Route route = table.resolve("default").orElseThrow();
        assertThat(route.chain()).extracting(Route.Target::fullName).containsExactly("pool/llama3", "simulated/x");
        assertThat(route.stub()).contains("Later.");
        assertThat(route.limits())
                .isEqualTo(new Route.Limits(Duration.ofMillis(250), Duration.ofSeconds(15), Duration.ofMinutes(2)));
        assertThat(table.prices().of("pool", "llama3")).contains(new Price(10, 10, 20));
    }

    @Test
    void charges_what_an_operator_says_and_its_cap_what_the_list_has_no_row_for() {
        RouteTable table = table("""
                providers:
                  - {name: own, url: "http://127.0.0.1:8000/v1", price: free}
                  - {name: nothing, url: "http://127.0.0.1:8000/v1", price: 0}
                  - {name: load, kind: simulated}
                price_caps: {openai: {input: 10, output: 20}, groq: {input: 1, output: 2, hidden_reasoning: false}}
                routes: {default: {chain: [own/m]}}
                """);
        for (String free : new String[] {"own", "nothing", "load"}) {
            assertThat(table.prices().of(free, "m")).as(free).contains(Price.FREE);
        }
        assertThat(table.prices().of("openai", "gpt-4.1-mini"))
                .isEqualTo(PriceList.builtIn().of("openai", "gpt-4.1-mini"));
        assertThat(table.prices().of("openai", "new"))
                .as("it may think without showing it")
                .contains(new Price(10, 10, 20, Price.IMAGE, true, 10, 0));
        assertThat(table.prices().of("groq", "new")).contains(new Price(1, 1, 2));
        assertThat(table.prices().of("anthropic", "new")).isEmpty();
    }

    /** A reseller under the name of a provider that the list knows. */
    @Test
    void charges_what_an_operator_says_of_its_own_provider_for_listed_models_too() {
        RouteTable table = table("""
                providers:
                  - {name: openai, url: "http://127.0.0.1:8000/v1", price: {input: 7, output: 9}}
                routes: {default: {chain: [openai/gpt-4.1-mini]}}
                """);
        assertThat(table.prices().of("openai", "gpt-4.1-mini")).contains(new Price(7, 7, 9));
        assertThat(table.prices().of("openai", "new")).contains(new Price(7, 7, 9));
        assertThat(table.prices().of("anthropic", "claude-sonnet-4-5"))
                .isEqualTo(PriceList.builtIn().of("anthropic", "claude-sonnet-4-5"));
    }

    @Test
    void knows_how_long_calls_may_last() {
        RouteTable table = table("""
                routes:
                  brief: {chain: [simulated/x], total: 1s}
                  long: {chain: [simulated/x], total: 40m}
                """);
        assertThat(table.totalOf("brief")).isEqualTo(Duration.ofSeconds(1));
        assertThat(table.totalOf("simulated/x")).isEqualTo(Duration.ofSeconds(120));
        assertThat(table.totalOf("gone")).isEqualTo(Duration.ofMinutes(40));
        assertThat(table.longestTotal()).isEqualTo(Duration.ofMinutes(40));
        assertThat(table("routes: {brief: {chain: [simulated/x], total: 1s}}").longestTotal())
                .isEqualTo(Duration.ofSeconds(120));
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "routes: {default: {chain: [nobody/x]}} | line 1: route default: no provider for <nobody/x>",
                "routes: {default: {chain: []}} | line 1: route default has no chain",
                "routes:\\n  default: {chian: [simulated/x]} | line 2: route default: unknown key 'chian'",
                "routes:\\n  default: {chain: [simulated/x], total: 5} | line 2: time <5>",
                "routes:\\n  a: {chain: [simulated/x]}\\n  a: {chain: [simulated/x]} | line 3: routes: 'a' twice",
                "providers: [] | line 1: no routes",
                "providers: [{name: p}]\\nroutes: {} | line 1: 'url' is missing",
                "providers: [{name: p, url: 'ftp://x'}]\\nroutes: {} | line 1: url <ftp://x>",
                "providers: [{name: P, url: 'http://x/v1'}]\\nroutes: {} | line 1: provider <P>",
                "providers: [{name: simulated, url: 'http://x/v1'}]\\nroutes: {} | line 1: a second provider simulated",
                "providers: [{name: p, url: 'http://x/v1', key_env: NO_KEY}]\\nroutes: {} | line 1: provider p: NO_KEY is not",
                "providers: [{name: p, url: 'http://x/v1', price: {input: 1.5, output: 2}}]\\nroutes: {} | price input <1.5>",
                "providers:\\n  - {name: p, url: 'http://x/v1'}\\nroutes: {} | line 2: provider p has no price; write price: {",
                "providers: [{name: p, url: 'http://x/v1', price: cheap}]\\nroutes: {} | price is not a mapping",
                "price_caps: {pool: {input: 1, output: 1}}\\nroutes: {} | price_caps: <pool> is no provider with a price list",
                "providers: [{name: p, url: 'http://x/v1', price: free, own_keys: maybe}]\\nroutes: {} | line 1: own_keys <maybe>",
                "own_keys: [openai, mistral]\\nroutes: {} | line 1: own_keys: <mistral> is no provider without an entry",
                "providers: [{name: groq, url: 'http://x/v1'}]\\nown_keys: [groq]\\nroutes: {} | line 2: own_keys: groq has an entry",
                "own_keys: true\\nroutes: {} | own_keys is not a list",
                "providers: [{name: p, kind: simulated, own_keys: true}]\\nroutes: {} | line 1: a provider: unknown key 'own_keys'",
                "price_caps: {openai: free}\\nroutes: {} | price is not a mapping",
                "providers: [{name: openai, url: 'http://x/v1', price: free}]\\nprice_caps: {openai: {input: 1, output: 1}}\\nroutes: {} | line 2: openai has a price in its own entry and a cap",
                "providers: [{name: openai, url: 'http://x/v1'}]\\nroutes:\\n  a: {chain: [openai/new]} | line 3: route a: the price list has no row for openai/new",
                "routes: [ | not YAML",
                "just text | the file is not a mapping"
            })
    void refuses_a_wrong_file_with_line_and_reason(String yaml, String reason) {
        assertThatThrownBy(() -> table(yaml.replace("\\n", "\n")))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("AGENTSERVER_LLM_ROUTES=routes.yaml line ")
                .hasMessageContaining(reason)
                .hasMessageContaining("; ");
    }

    /** Its servers are the operator's, and their bulkhead protects them. */
    @Test
    void asks_a_provider_of_the_files_under_tenants_own_keys_where_its_entry_says_so() {
        RouteTable table = table("""
                providers:
                  - {name: rented, url: "http://127.0.0.1:8000/v1", price: free, own_keys: true}
                  - {name: pool, url: "http://127.0.0.1:8000/v1", price: free}
                  - {name: openai, url: "http://127.0.0.1:8000/v1", own_keys: false}
                  - {name: anthropic, url: "http://127.0.0.1:8000/v1"}
                  - {name: groq, kind: simulated}
                routes: {default: {chain: [pool/m]}}
                """);
        assertThat(table.ownable()).containsOnlyKeys("openai", "anthropic", "rented");
        assertThat(table.ownable().values())
                .filteredOn(Servers::takesOwnKeys)
                .extracting(Servers::provider)
                .containsExactly("rented");
        assertThat(table("""
                providers: [{name: openai, url: "http://127.0.0.1:8000/v1", own_keys: true}]
                routes: {default: {chain: [openai/gpt-4.1]}}
                """).ownable().values())
                .filteredOn(servers -> servers.provider().equals("openai") && servers.takesOwnKeys())
                .flatExtracting(Servers::urls)
                .containsExactly(URI.create("http://127.0.0.1:8000/v1"));
        assertThat(tables(Map.of()).ofEnvironment().ownable()).containsOnlyKeys("openai", "anthropic", "groq");
    }

    /** Who may have the tenants' words is the operator's to say. */
    @Test
    void takes_own_keys_of_the_providers_alone_that_the_file_names() {
        RouteTable some = table("own_keys: [openai]\nroutes: {default: {chain: [simulated/default]}}");
        assertThat(some.ownable().values())
                .filteredOn(Servers::takesOwnKeys)
                .extracting(Servers::provider)
                .containsExactly("openai");
        RouteTable none = table("own_keys: []\nroutes: {default: {chain: [simulated/default]}}");
        assertThat(none.ownable()).containsOnlyKeys("openai", "anthropic", "groq");
        assertThat(none.ownable().values()).noneMatch(Servers::takesOwnKeys);
        RouteTable all = table("routes: {default: {chain: [simulated/default]}}");
        assertThat(all.ownable().values()).hasSize(3).allMatch(Servers::takesOwnKeys);
    }

    /** Each change of a limit makes another guard. */
    @Test
    void keeps_the_guards_of_the_last_file_alone() {
        RouteTables tables = tables(Map.of());
        RoutesFile first = file(1);
        Guard guard = guard(tables.of(first));
        assertThat(guard(tables.of(first))).as("what is known stays").isSameAs(guard);
        int kept = tables.guards();
        for (int i = 2; i < 100; i++) {
            tables.of(file(i));
        }
        assertThat(tables.guards()).isEqualTo(kept);
        assertThat(guard(tables.of(first))).isNotSameAs(guard);
    }

    private static RoutesFile file(int mostAtOnce) {
        return RoutesFile.parse("routes.yaml", """
                providers: [{name: pool, url: "http://127.0.0.1:8000/v1", max_concurrent: %d, price: free}]
                routes: {default: {chain: [pool/m]}}
                """.formatted(mostAtOnce));
    }

    private static Guard guard(RouteTable table) {
        Route route = table.resolve("default").orElseThrow();
        return route.chain().getFirst().backend().inTurn().getFirst().guard();
    }

    @Test
    void takes_no_model_into_a_route_whose_cost_is_not_told_by_its_tokens() {
        RouteTables tables = tables(Map.of("GROQ_API_KEY", "gsk"));
        assertThatThrownBy(() ->
                        tables.of(RoutesFile.parse("routes.yaml", "routes: {default: {chain: [groq/groq/compound]}}")))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("line 1: route default: groq/groq/compound is not taken here: ");
        assertThat(tables.ofEnvironment()
                        .resolve("groq/groq/compound-mini")
                        .orElseThrow()
                        .unpriced())
                .isPresent();
    }

    @Test
    void refuses_a_file_that_cannot_be_read() {
        RouteTables tables = tables(Map.of());
        assertThatThrownBy(() -> new LiveRoutes(
                        Path.of("/nowhere/routes.yaml"), text -> tables.of(RoutesFile.parse("routes.yaml", text))))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("AGENTSERVER_LLM_ROUTES=/nowhere/routes.yaml: the file cannot be read");
    }

    private static RouteTable table(String yaml) {
        return tables(Map.of()).of(RoutesFile.parse("routes.yaml", yaml));
    }

    private static RouteTables tables(Map<String, String> environment) {
        return new RouteTables(HttpClient.newHttpClient(), environment::get, Clock.systemUTC(), Route.Caching.NONE);
    }
}
