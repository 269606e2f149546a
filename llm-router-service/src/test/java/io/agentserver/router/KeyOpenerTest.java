package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KeyOpenerTest {
    private static final TenantId ONE = new TenantId("one");
    private static final TenantId TWO = new TenantId("two");

    private final KeySafe safe = new KeySafe();
    private final KeyOpener opener = new KeyOpener(safe);

    @Test
    void opens_a_key_once_and_keeps_it_open() throws Exception {
        OwnKey key = own(ONE, safe.seal(ONE, "openai", "sk-own-1"));
        assertThat(safe.reads).as("nobody needs it yet").isEmpty();
        for (int i = 0; i < 3; i++) {
            assertThat(key.secret()).contains("sk-own-1");
        }
        assertThat(safe.reads).containsExactly(ONE);
    }

    @Test
    void keeps_nobody_waiting_for_a_store_that_hangs_but_who_needs_that_key_and_not_for_long() throws Exception {
        OwnKey openai = own(ONE, safe.seal(ONE, "openai", "sk-own-1"));
        OwnKey groq = own(ONE, safe.seal(ONE, "groq", "sk-own-2"));
        OwnKey others = own(TWO, safe.seal(TWO, "openai", "sk-own-3"));
        safe.hangsFor(ONE);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<String>> calls = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                calls.add(CompletableFuture.supplyAsync(() -> outcome(openai), threads));
                calls.add(CompletableFuture.supplyAsync(() -> outcome(groq), threads));
            }
            assertThat(others.secret()).contains("sk-own-3");
            Stopwatch waited = new Stopwatch();
            assertThat(calls).allSatisfy(call -> assertThat(call.join()).endsWith("cannot be opened at the moment"));
            assertThat(waited.elapsed()).isLessThan(KeyOpener.PATIENCE.multipliedBy(3));
            Stopwatch later = new Stopwatch();
            assertThat(outcome(openai)).endsWith("cannot be opened at the moment");
            assertThat(later.elapsed()).as("it waits no more").isLessThan(KeyOpener.PATIENCE.dividedBy(2));
        } finally {
            safe.goesOnFor(ONE);
        }
        assertThat(safe.reads).as("one read at a time").containsExactlyInAnyOrder(ONE, TWO);
        Awaitility.await().until(() -> outcome(openai), "sk-own-1"::equals);
        assertThat(safe.reads).hasSize(2);
    }

    @Test
    void reads_again_a_while_after_a_failure_and_not_for_each_call() throws Exception {
        OwnKey key = own(ONE, safe.seal(ONE, "openai", "sk-own-1"));
        safe.isAway(true);
        try (Logged logged = new Logged()) {
            for (int i = 0; i < 5; i++) {
                assertThat(outcome(key)).isEqualTo("the tenant's own key of openai cannot be opened at the moment");
            }
            assertThat(safe.reads).hasSize(1);
            safe.isAway(false);
            Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> outcome(key), "sk-own-1"::equals);
            assertThat(logged.with("data keys of tenants cannot be read")).hasSize(1);
        }
    }

    @Test
    void opens_nothing_that_was_moved_changed_or_whose_data_key_was_destroyed_and_says_so_once() throws Exception {
        ProviderKey sealed = safe.seal(ONE, "openai", "sk-own-1");
        safe.seal(TWO, "openai", "sk-own-2");
        try (Logged logged = new Logged()) {
            assertThat(outcome(own(TWO, sealed))).endsWith("cannot be opened: store it again");
            assertThat(outcome(own(ONE, copy(sealed, "groq", sealed.sealed())))).contains("own key of groq");
            assertThat(outcome(own(ONE, copy(sealed, "openai", "AAAA" + sealed.sealed()))))
                    .endsWith("store it again");
            assertThat(outcome(own(ONE, copy(sealed, "openai", "no base 64")))).endsWith("store it again");
            assertThat(outcome(own(ONE, sealed))).isEqualTo("sk-own-1");
            safe.destroy(ONE);
            assertThat(outcome(own(ONE, sealed))).endsWith("store it again");
            assertThat(logged.with("tenant one's own key")).hasSize(1);
            assertThat(logged.with("tenant two's own key")).hasSize(1);
            assertThat(logged.lines()).noneMatch(line -> line.contains(sealed.sealed()));
        }
    }

    @Test
    void tells_of_a_data_key_that_no_waiting_opens_that_the_own_key_must_be_stored_again() throws Exception {
        ProviderKey sealed = safe.seal(ONE, "openai", "sk-own-1");
        safe.losesThePlatformsKey();
        try (Logged logged = new Logged()) {
            assertThat(outcome(own(ONE, sealed)))
                    .isEqualTo("the tenant's own key of openai cannot be opened: store it again");
            assertThat(logged.with("tenant one's own key of openai cannot be opened: the platform's key is not here"))
                    .hasSize(1);
            safe.isAway(true);
            outcome(own(TWO, safe.seal(TWO, "openai", "sk-own-2")));
            assertThat(logged.with("data keys of tenants cannot be read"))
                    .as("an outage is told beside it")
                    .hasSize(1);
        }
    }

    /** The HTTP client refuses such headers, and says them in its reason. */
    @ParameterizedTest
    @ValueSource(strings = {"sk-own\r\nX-Other: 1", "sk-ównkey", "sk own", ""})
    void takes_for_a_key_only_what_can_stand_in_a_header(String secret) {
        assertThatThrownBy(() -> own(ONE, safe.seal(ONE, "openai", secret)).secret())
                .isInstanceOf(KeyNotOpenedException.class)
                .hasMessage("the tenant's own key of openai cannot be opened: store it again");
    }

    @Test
    void tells_no_key_by_its_text() throws Exception {
        ProviderKey sealed = safe.seal(ONE, "openai", "sk-own-1");
        OwnKey key = own(ONE, sealed);
        key.secret();
        assertThat(key.toString()).doesNotContain("sk-own-1", sealed.sealed());
    }

    private OwnKey own(TenantId tenant, ProviderKey sealed) {
        return new OwnKey(tenant, sealed, opener);
    }

    private static ProviderKey copy(ProviderKey key, String provider, String sealed) {
        return new ProviderKey(provider, key.keyId(), sealed, key.endsWith(), key.createdAt());
    }

    private static String outcome(OwnKey key) {
        try {
            return key.secret().orElseThrow();
        } catch (KeyNotOpenedException notOpened) {
            return String.valueOf(notOpened.getMessage());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
