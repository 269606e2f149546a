package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStores;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.sealing.TenantKey;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

import static io.agentserver.router.RunningRouter.asking;
import static io.agentserver.router.TestPlatform.WAYNE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

@ExtendWith(TestPlatform.Extension.class)
class DynamoOnDemandTest {
    private static final CallBounds BOUNDS = new CallBounds(4, Duration.ofSeconds(5), Duration.ofSeconds(10));

    private final TestPlatform platform;

    DynamoOnDemandTest(TestPlatform platform) {
        this.platform = platform;
    }

    @Test
    void opens_a_key_that_a_gateway_has_sealed() throws Exception {
        Map<String, String> settings = platform.settings();
        try (LocalStores stores = LocalStores.inTemporaryDirectory(Map.of(LocalStore.DYNAMODB, 0));
                ProviderDouble provider = new ProviderDouble()) {
            String url = stores.dynamoEndpoint().toString();
            settings.put("AGENTSERVER_DYNAMODB_URL", url);
            settings.put("AGENTSERVER_LLM_ROUTES", routes(provider));
            ProviderKey sealed = sealed(url, String.valueOf(settings.get("AGENTSERVER_PLATFORM_KEY")));
            try (RunningRouter router = RunningRouter.start(settings)) {
                wayneHas(router, sealed);
                HttpResponse<String> answer = router.send(router.chat(platform.wayneKey, asking("openai/gpt-4.1")));
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
                assertThat(provider.received.getLast().header("Authorization")).isEqualTo("Bearer sk-own-1");
            }
        }
    }

    @Test
    void is_not_needed_by_anybody_else() throws Exception {
        Map<String, String> settings = platform.settings();
        try (ProviderDouble provider = new ProviderDouble()) {
            settings.put("AGENTSERVER_DYNAMODB_URL", "http://127.0.0.1:1");
            settings.put("AGENTSERVER_LLM_ROUTES", routes(provider));
            try (RunningRouter router = RunningRouter.start(settings)) {
                wayneHas(router, new ProviderKey("openai", "0000000001", "AAAA", "wn-1", Instant.EPOCH));
                assertThat(router.send(router.chat(platform.wayneKey, asking("openai/gpt-4.1")))
                                .body())
                        .contains("own key of openai cannot be opened at the moment");
                assertThat(router.send(router.chat(platform.acmeKey, asking("openai/gpt-4.1")))
                                .statusCode())
                        .isEqualTo(200);
                assertThat(provider.received).hasSize(1);
            }
        }
    }

    @Test
    void connects_when_a_key_is_looked_for_and_tries_again_where_it_could_not() {
        try (DynamoOnDemand keys = new DynamoOnDemand("no address", _ -> new KeySafe())) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> keys.find(WAYNE, "1")).isInstanceOf(KeysUnavailableException.class);
            }
        }
        DynamoOnDemand closed = new DynamoOnDemand("http://127.0.0.1:1", _ -> new KeySafe());
        assertThat(closed.find(WAYNE, "1")).isEmpty();
        closed.close();
        assertThatThrownBy(() -> closed.find(WAYNE, "1")).isInstanceOf(KeysUnavailableException.class);
    }

    @Test
    void remembers_for_a_while_that_it_could_not_connect() {
        AtomicInteger tries = new AtomicInteger();
        Supplier<DynamoDbClient> nothing = () -> {
            tries.incrementAndGet();
            throw new IllegalArgumentException("no region");
        };
        try (DynamoOnDemand keys = new DynamoOnDemand(nothing, _ -> new KeySafe(), Duration.ofMinutes(5))) {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> keys.find(WAYNE, "1"))
                        .isInstanceOf(KeysUnavailableException.class)
                        .hasRootCauseMessage("no region");
            }
        }
        assertThat(tries).hasValue(1);
        try (DynamoOnDemand keys = new DynamoOnDemand(nothing, _ -> new KeySafe(), Duration.ZERO)) {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> keys.find(WAYNE, "1")).isInstanceOf(KeysUnavailableException.class);
            }
        }
        assertThat(tries).as("after that while").hasValue(4);
    }

    @Test
    @Timeout(60)
    void closes_without_waiting_for_who_connects_and_leaves_nothing_open() throws Exception {
        CountDownLatch asks = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        AtomicInteger open = new AtomicInteger();
        DynamoOnDemand keys = new DynamoOnDemand(
                () -> {
                    asks.countDown();
                    awaitThe(answer);
                    open.incrementAndGet();
                    return client(open::decrementAndGet);
                },
                _ -> new KeySafe(),
                Duration.ofMinutes(5));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> found = threads.submit(() -> keys.find(WAYNE, "1"));
            asks.await();
            keys.close();
            answer.countDown();
            assertThatThrownBy(found::get).hasCauseInstanceOf(KeysUnavailableException.class);
        }
        assertThat(open).hasValue(0);
    }

    private static void awaitThe(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static DynamoDbClient client(Runnable closing) {
        return new DynamoDbClient() {
            @Override
            public String serviceName() {
                return "dynamodb";
            }

            @Override
            public void close() {
                closing.run();
            }
        };
    }

    private static ProviderKey sealed(String url, String platformKey) {
        try (DynamoDbClient dynamo = DynamoClients.open(url, BOUNDS)) {
            DynamoTenantKeys keys =
                    new DynamoTenantKeys(dynamo, PlatformKeys.load(Path.of(platformKey)), Clock.systemUTC());
            keys.createIfAbsent();
            TenantKey key = keys.current(WAYNE).orElseThrow();
            byte[] value = "sk-own-1".getBytes(StandardCharsets.UTF_8);
            return new ProviderKey(
                    "openai",
                    key.id(),
                    Base64.getUrlEncoder()
                            .withoutPadding()
                            .encodeToString(key.seal(value, ProviderKey.associated(WAYNE, "openai"))),
                    "wn-1",
                    Instant.EPOCH);
        }
    }

    private String routes(ProviderDouble provider) throws Exception {
        return platform.write("on-demand.yaml", """
                providers: [{name: openai, url: "%s", own_keys: true, price: {input: 1, output: 1}}]
                routes: {default: {chain: [openai/gpt-4.1]}}
                """.formatted(provider.url())).toString();
    }

    private void wayneHas(RunningRouter router, ProviderKey key) {
        platform.loseCredit(WAYNE);
        platform.openCredit(WAYNE, 0);
        platform.ownKeys(WAYNE, platform.wayneKey, List.of(key));
        TenantDirectory directory = router.part(TenantDirectory.class);
        await().until(() -> keysOf(directory, WAYNE).equals(List.of(key)));
    }

    private static List<ProviderKey> keysOf(TenantDirectory directory, TenantId tenant) {
        return directory.find(tenant).map(TenantEntry::providerKeys).orElse(List.of());
    }
}
