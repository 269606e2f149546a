package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.router.RouteTable.Model;
import io.agentserver.tenancy.TenantEntry;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.junit.jupiter.api.Test;

import java.net.http.HttpClient;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class TenantRoutesTest {
    private static final TenantId ONE = new TenantId("one");
    private static final TenantId TWO = new TenantId("two");
    private static final TenantId THREE = new TenantId("three");
    private static final String FILE = """
            providers:
              - {name: openai, url: "http://127.0.0.1:8000/v1", own_keys: true, max_concurrent: 1}
              - {name: pool, url: "http://127.0.0.1:8001/v1", price: {input: 1, output: 1}}
            routes: {default: {chain: [openai/gpt-4.1-mini, {pool/a: 3, openai/gpt-4.1: 1}], cheapest: [openai/gpt-5]}}
            """;

    private final KeySafe safe = new KeySafe();
    private final Map<TenantId, TenantEntry> entries = new HashMap<>();
    private long revision;
    private RouteTable shared = file();
    private final TenantRoutes routes = new TenantRoutes(
            () -> shared,
            tenant -> Optional.ofNullable(entries.get(tenant)),
            new KeyOpener(safe),
            2,
            Duration.ofHours(1));

    @Test
    void gives_a_tenant_without_own_keys_the_table_of_all() {
        assertThat(routes.of(ONE)).as("not known").isSameAs(shared);
        has(ONE);
        assertThat(routes.of(ONE)).isSameAs(shared);
        has(ONE, safe.seal(ONE, "pool", "sk-1"));
        assertThat(routes.of(ONE)).as("a pool that takes none").isSameAs(shared);
    }

    @Test
    void asks_a_provider_under_the_tenants_own_key_wherever_it_stands() {
        has(ONE, safe.seal(ONE, "openai", "sk-1"));
        RouteTable table = routes.of(ONE);
        assertThat(routes.of(ONE)).as("made once").isSameAs(table);
        Route route = table.resolve("default").orElseThrow();
        assertThat(route.targets())
                .hasSize(4)
                .allSatisfy(target -> assertThat(target.backend().isTenants())
                        .as(target.fullName())
                        .isEqualTo(target.backend().provider().equals("openai")));
        assertThat(route.chain()).extracting(Route.Target::weight).containsExactly(1, 3, 1);
        assertThat(route.isPaidByTenant()).isFalse();
        assertThat(table.resolve("openai/new").orElseThrow().isPaidByTenant()).isTrue();
        assertThat(shared.resolve("default").orElseThrow().targets())
                .noneMatch(target -> target.backend().isTenants());
        assertThat(safe.reads).as("a table needs no key opened").isEmpty();
    }

    @Test
    void has_providers_for_a_tenant_that_the_platform_has_no_key_of() {
        shared = tables(Map.of("GROQ_API_KEY", "gsk")).ofEnvironment();
        has(ONE, safe.seal(ONE, "openai", "sk-1"));
        has(TWO, safe.seal(TWO, "groq", "sk-2"));
        assertThat(chain(routes.of(THREE))).containsExactly("groq/openai/gpt-oss-120b");
        assertThat(chain(routes.of(ONE))).containsExactly("openai/gpt-4.1-mini", "groq/openai/gpt-oss-120b");
        assertThat(chain(routes.of(TWO))).containsExactly("groq/openai/gpt-oss-120b");
        assertThat(routes.of(TWO).resolve("default").orElseThrow().isPaidByTenant())
                .isTrue();
        assertThat(routes.of(ONE).models()).extracting(Model::id).contains("openai/gpt-4.1-mini", "openai/o3");
        assertThat(routes.of(TWO).models()).extracting(Model::id).doesNotContain("openai/gpt-4.1-mini");
        assertThat(routes.of(TWO).resolve("openai/gpt-4.1-mini")).isEmpty();

        shared = tables(Map.of()).ofEnvironment();
        assertThat(chain(routes.of(ONE))).as("no simulated one").containsExactly("openai/gpt-4.1-mini");
        assertThat(chain(routes.of(THREE))).containsExactly("simulated/default");
    }

    @Test
    void keeps_what_it_knows_of_a_key_until_that_key_changes() {
        ProviderKey openai = safe.seal(ONE, "openai", "sk-1");
        has(ONE, openai);
        Guard guard = guard(routes.of(ONE));
        assertThat(guard).isNotSameAs(guard(shared));
        has(ONE, openai, safe.seal(ONE, "anthropic", "sk-2"));
        assertThat(guard(routes.of(ONE))).as("another key came").isSameAs(guard);
        shared = file();
        assertThat(guard(routes.of(ONE))).as("the file was loaded again").isSameAs(guard);
        ProviderKey anew = safe.seal(ONE, "openai", "sk-1");
        has(ONE, anew);
        assertThat(guard(routes.of(ONE))).as("another one of the same provider").isSameAs(guard);
        routes.changed(has(ONE));
        has(ONE, anew);
        assertThat(guard(routes.of(ONE))).as("it was gone for a while").isNotSameAs(guard);
    }

    @Test
    void is_not_set_back_by_who_has_read_an_entry_from_before() {
        TenantEntry before = has(ONE, safe.seal(ONE, "openai", "sk-1"));
        routes.of(ONE);
        has(ONE, safe.seal(ONE, "openai", "sk-2"));
        RouteTable now = routes.of(ONE);
        entries.put(ONE, before);
        assertThat(routes.of(ONE)).isSameAs(now);
        routes.changed(before);
        assertThat(routes.of(ONE)).isSameAs(now);
    }

    @Test
    void forgets_the_tenants_of_longest_ago_and_those_that_are_gone() {
        for (TenantId tenant : List.of(ONE, TWO, THREE)) {
            has(tenant, safe.seal(tenant, "openai", "sk"));
        }
        RouteTable first = routes.of(ONE);
        routes.forget(ONE);
        assertThat(routes.of(ONE)).isNotSameAs(first);
        routes.of(TWO);
        routes.of(THREE);
        await().until(() -> routes.kept() == 2);
    }

    @Test
    void forgets_a_tenant_that_has_not_called_for_long_though_nobody_else_calls_either() {
        TenantRoutes brief = new TenantRoutes(
                () -> shared,
                tenant -> Optional.ofNullable(entries.get(tenant)),
                new KeyOpener(safe),
                2,
                Duration.ofMillis(100));
        has(ONE, safe.seal(ONE, "openai", "sk"));
        brief.of(ONE);
        await().until(() -> brief.kept() == 0);
    }

    @Test
    void keeps_something_of_a_thousand_tenants_at_most() {
        TenantRoutes many =
                new TenantRoutes(() -> shared, tenant -> Optional.ofNullable(entries.get(tenant)), new KeyOpener(safe));
        for (int i = 0; i < 1_100; i++) {
            TenantId tenant = new TenantId("tenant-" + i);
            has(tenant, safe.seal(tenant, "openai", "sk"));
            many.of(tenant);
        }
        await().until(() -> many.kept() == 1_000);
    }

    @Test
    void has_so_many_places_at_a_server_for_all_own_keys_together() {
        has(ONE, safe.seal(ONE, "openai", "sk-1"));
        has(TWO, safe.seal(TWO, "openai", "sk-2"));
        Guard.Pass first = ((Guard.Entry.Free) guard(routes.of(ONE)).enter("m")).pass();
        assertThat(guard(routes.of(TWO)).enter("m")).isInstanceOf(Guard.Entry.Closed.class);
        assertThat(guard(shared).enter("m")).as("the platform's").isInstanceOf(Guard.Entry.Free.class);
        has(ONE, safe.seal(ONE, "openai", "sk-3"));
        assertThat(guard(routes.of(ONE)).enter("m"))
                .as("a key that was put again")
                .isInstanceOf(Guard.Entry.Closed.class);
        first.leave();
        assertThat(guard(routes.of(TWO)).enter("m")).isInstanceOf(Guard.Entry.Free.class);
    }

    private TenantEntry has(TenantId tenant, ProviderKey... keys) {
        TenantEntry entry = new TenantEntry(
                        tenant.value(), tenant.value(), "dev", ++revision, Instant.EPOCH, 0, List.of(), List.of())
                .withProviderKeys(List.of(keys));
        entries.put(tenant, entry);
        return entry;
    }

    private static List<String> chain(RouteTable table) {
        return table.resolve("default").orElseThrow().chain().stream()
                .map(Route.Target::fullName)
                .toList();
    }

    private static Guard guard(RouteTable table) {
        Route route = table.resolve("default").orElseThrow();
        return route.chain().getFirst().backend().inTurn().getFirst().guard();
    }

    private static RouteTable file() {
        return tables(Map.of()).of(RoutesFile.parse("routes.yaml", FILE));
    }

    private static RouteTables tables(Map<String, String> environment) {
        return new RouteTables(HttpClient.newHttpClient(), environment::get, Clock.systemUTC(), Route.Caching.NONE);
    }
}
