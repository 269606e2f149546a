package io.agentserver.buffer;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.grpc.BufferServer;
import io.agentserver.buffer.journal.DeletedTenants;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.EraseTenantReply;
import io.agentserver.buffer.v1.EraseTenantRequest;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.PruneRequest;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.ShardStats;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.buffer.v1.StatsRequest;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.buffer.v1.WatchRequest;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.grpc.GrpcAddress;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** The service as it runs: gRPC in, Redis and DynamoDB behind it. */
class BufferServiceTest {
    private static final TenantId TENANT = new TenantId("acme");

    private static LocalStores stores;
    private static ConfigurableApplicationContext service;
    private static ManagedChannel channel;
    private static ServiceTokens tokens;
    private static Path keys;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        keys = directory.resolve("platform.jwks");
        PlatformKeys.createIfAbsent(keys);
        tokens = new ServiceTokens(PlatformKeys.load(keys), Clock.systemUTC());
        stores = LocalStores.inTemporaryDirectory(Map.of(LocalStore.REDIS, 0, LocalStore.DYNAMODB, 0));
        service = start(Map.of(
                "AGENTSERVER_BUFFER_STORE", "tiered",
                "AGENTSERVER_REDIS_URL", stores.redisUrl(),
                "AGENTSERVER_DYNAMODB_URL", stores.dynamoEndpoint().toString()));
        channel = NettyChannelBuilder.forAddress(
                        "127.0.0.1", service.getBean(BufferServer.class).port())
                .usePlaintext()
                .build();
    }

    @AfterAll
    static void stop() {
        channel.shutdownNow();
        service.close();
        stores.close();
    }

    @Test
    void within_its_process_it_answers_the_same_callers_and_refuses_the_same_others() {
        ManagedChannel inside = GrpcAddress.inProcess(
                        service.getBean(BufferServer.class).port())
                .channel()
                .build();
        try {
            Talk talk = new Talk();
            BufferGrpc.BufferBlockingStub stub = BufferGrpc.newBlockingStub(inside);
            assertThatThrownBy(() -> stub.begin(talk.begin().build())).hasMessageContaining("UNAUTHENTICATED");
            BeginReply begun = stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(TENANT)))
                    .begin(talk.begin().build());
            assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
            stub(TENANT).complete(talk.respond(begun)); // over the network: it is the same journal
        } finally {
            inside.shutdownNow();
        }
    }

    @Test
    void a_deleted_tenant_is_gone_for_readers_handlers_and_watchers_and_its_neighbour_is_not() {
        TenantId gone = new TenantId("goner");
        Talk before = new Talk(gone);
        Talk neighbour = new Talk();
        stub(TENANT)
                .complete(neighbour.respond(stub(TENANT).begin(neighbour.begin().build())));
        BeginReply begun = stub(gone).begin(before.begin().build());
        List<WatchEvent> events = new CopyOnWriteArrayList<>();
        BufferGrpc.newStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(gone)))
                .watch(
                        WatchRequest.newBuilder()
                                .setTenant(gone.value())
                                .setConversation(before.conversation)
                                .build(),
                        into(events));
        await().untilAsserted(() -> assertThat(events).isNotEmpty());

        assertThatThrownBy(() -> stub(gone).eraseTenant(erasing(gone, ""))).hasMessageContaining("PERMISSION_DENIED");
        assertThat(sweep(gone)).isPositive();
        assertThat(sweep(gone)).isZero();

        await().untilAsserted(() -> assertThat(events.getLast().getEventCase()).isEqualTo(WatchEvent.EventCase.ERASED));
        assertThat(stub(gone).complete(before.respond(begun)).getOutcome()).isEqualTo(Outcome.BEGIN_AGAIN);
        assertThat(stub(gone).begin(before.begin().build()).getVerdict()).isEqualTo(Verdict.DEAD);
        assertThat(stub(gone).begin(new Talk(gone).begin().build()).getVerdict())
                .isEqualTo(Verdict.DEAD);
        assertThat(stub(gone).answer(before.answer(gone, "late")).getOutcome()).isEqualTo(AnswerOutcome.ANSWER_UNKNOWN);
        assertThat(stub(gone).read(before.read(gone)).getFound()).isFalse();
        assertThat(stub(gone).read(before.read(gone)).getErased()).isTrue();
        assertThat(sweep(gone)).as("what came late left nothing").isZero();
        assertThat(stub(TENANT).read(neighbour.read(TENANT)).getSlotsList()).hasSize(2);
    }

    @Test
    void a_tenant_that_another_process_was_told_to_forget_is_refused_here_soon_and_after_a_restart() {
        TenantId gone = new TenantId("gone-elsewhere");
        Map<String, String> same = Map.of(
                "AGENTSERVER_BUFFER_STORE", "tiered",
                "AGENTSERVER_REDIS_URL", stores.redisUrl(),
                "AGENTSERVER_DYNAMODB_URL", stores.dynamoEndpoint().toString());
        Talk running = new Talk(gone);
        BeginReply begun = stub(gone).begin(running.begin().build());
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        ConfigurableApplicationContext other = start(same);
        ManagedChannel there = NettyChannelBuilder.forAddress(
                        "127.0.0.1", other.getBean(BufferServer.class).port())
                .usePlaintext()
                .build();
        try {
            BufferGrpc.newBlockingStub(there)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(ServiceTokens.PLATFORM)))
                    .eraseTenant(erasing(gone, ""));
            await().untilAsserted(() -> assertThat(
                            stub(gone).begin(new Talk(gone).begin().build()).getVerdict())
                    .isEqualTo(Verdict.DEAD));
            assertThat(stub(gone).complete(running.respond(begun)).getOutcome()).isEqualTo(Outcome.BEGIN_AGAIN);
        } finally {
            there.shutdownNow();
            other.close();
        }
        ConfigurableApplicationContext restarted = start(same);
        try {
            assertThat(restarted.getBean(DeletedTenants.class)).accepts(gone).rejects(TENANT);
        } finally {
            restarted.close();
        }
    }

    @Test
    void says_how_much_is_kept_of_a_tenant_and_not_of_another() {
        TenantId counted = new TenantId("counted");
        for (int i = 0; i < 5; i++) {
            Talk talk = new Talk(counted);
            stub(counted).complete(talk.respond(stub(counted).begin(talk.begin().build())));
        }
        StatsRequest all = StatsRequest.newBuilder().setTenant("counted").build();
        await().untilAsserted(() -> {
            StatsReply stats = stub(counted).stats(all);
            assertThat(stats.getShardsList().stream()
                            .mapToLong(ShardStats::getConversations)
                            .sum())
                    .isEqualTo(5);
            assertThat(stats.getShardsList().stream()
                            .mapToLong(ShardStats::getSlots)
                            .sum())
                    .isEqualTo(10);
        });
        refused(Status.Code.PERMISSION_DENIED, () -> stub(TENANT).stats(all));
    }

    private static EraseTenantRequest erasing(TenantId tenant, String cursor) {
        return EraseTenantRequest.newBuilder()
                .setTenant(tenant.value())
                .setCursor(cursor)
                .build();
    }

    private static long sweep(TenantId tenant) {
        long freed = 0;
        String cursor = "";
        do {
            EraseTenantReply reply = stub(ServiceTokens.PLATFORM).eraseTenant(erasing(tenant, cursor));
            freed += reply.getFreed();
            cursor = reply.getCursor();
        } while (!cursor.isEmpty());
        return freed;
    }

    @Test
    void keeps_a_conversation_from_its_first_message_to_its_response() {
        Talk talk = new Talk();
        List<WatchEvent> events = new CopyOnWriteArrayList<>();
        BufferGrpc.newStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(TENANT)))
                .watch(
                        WatchRequest.newBuilder()
                                .setTenant(TENANT.value())
                                .setConversation(talk.conversation)
                                .build(),
                        into(events));
        BeginReply begun = stub(TENANT).begin(talk.begin().build());
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        stub(TENANT).complete(talk.respond(begun));

        AwaitTurnReply turn = stub(TENANT)
                .awaitTurn(AwaitTurnRequest.newBuilder()
                        .setTenant(TENANT.value())
                        .setConversation(talk.conversation)
                        .setTurn(talk.message)
                        .setWaitMs(1_000)
                        .build());
        assertThat(turn.getResponse().getEnvelope()).isEqualTo("<response/>");
        assertThat(stub(TENANT).read(talk.read(TENANT)).getSlotsList()).hasSize(2);
        await().untilAsserted(() -> assertThat(events)
                .extracting(WatchEvent::getEventCase)
                .containsSubsequence(
                        WatchEvent.EventCase.SLOT, WatchEvent.EventCase.SLOT, WatchEvent.EventCase.TURN_ENDED));
        await().untilAsserted(() -> assertThat(stub(TENANT)
                        .list(ListRequest.newBuilder()
                                .setTenant(TENANT.value())
                                .setLimit(100)
                                .build())
                        .getConversationsList())
                .anySatisfy(listed -> assertThat(listed.getId()).isEqualTo(talk.conversation)));
    }

    @Test
    void refuses_whoever_has_no_token_or_another_tenants() {
        Talk talk = new Talk();
        stub(TENANT).begin(talk.begin().build());
        refused(
                Status.Code.UNAUTHENTICATED,
                () -> BufferGrpc.newBlockingStub(channel).read(talk.read(TENANT)));
        Metadata wrongScope = new Metadata();
        wrongScope.put(AUTHORIZATION, "Bearer " + tokens.issue(TENANT, ServiceTokens.LLM_CALL));
        refused(
                Status.Code.UNAUTHENTICATED,
                () -> BufferGrpc.newBlockingStub(channel)
                        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(wrongScope))
                        .read(talk.read(TENANT)));
        TenantId other = new TenantId("other-org");
        refused(Status.Code.PERMISSION_DENIED, () -> stub(other).read(talk.read(TENANT)));
        refused(
                Status.Code.PERMISSION_DENIED,
                () -> stub(other)
                        .watch(WatchRequest.newBuilder()
                                .setTenant(TENANT.value())
                                .setConversation(talk.conversation)
                                .build())
                        .forEachRemaining(event -> {}));
        assertThat(stub(other).read(talk.read(other)).getFound())
                .as("the same id under its own tenant is another conversation")
                .isFalse();
    }

    @Test
    void takes_a_late_answer_for_the_tokens_own_tenant_alone_and_counts_it() throws Exception {
        Talk talk = new Talk();
        stub(TENANT).begin(talk.begin().build());
        TenantId other = new TenantId("other-org");
        refused(Status.Code.PERMISSION_DENIED, () -> stub(other).answer(talk.answer(TENANT, "<yes/>")));
        assertThat(stub(other).answer(talk.answer(other, "<yes/>")).getOutcome())
                .as("the same ids under its own tenant are another message")
                .isEqualTo(AnswerOutcome.ANSWER_UNKNOWN);
        assertThat(stub(TENANT).answer(talk.answer(TENANT, "<yes/>")).getOutcome())
                .isEqualTo(AnswerOutcome.ANSWER_TAKEN);
        assertThat(stub(TENANT).answer(talk.answer(TENANT, "<no/>")).getOutcome())
                .isEqualTo(AnswerOutcome.ANSWER_DIFFERS);
        refused(Status.Code.UNAVAILABLE, () -> stub(TENANT).begin(talk.begin().build())); // as an older pump does
        BeginReply begun = stub(TENANT).begin(talk.begin().setTakesAnswers(true).build());
        assertThat(begun.getAnswer().getContent()).isEqualTo("<yes/>");
        assertThat(get("/actuator/prometheus"))
                .contains("agentserver_late_answers_total{outcome=\"taken\"} 1.0")
                .contains("agentserver_late_answers_total{outcome=\"differs\"} 1.0")
                .contains("agentserver_late_answers_total{outcome=\"too_late\"} 0.0");
    }

    @Test
    void prunes_when_it_is_asked_to() {
        Talk talk = new Talk();
        stub(TENANT).complete(talk.respond(stub(TENANT).begin(talk.begin().build())));
        PruneRequest request = PruneRequest.newBuilder()
                .setTenant(TENANT.value())
                .setConversation(talk.conversation)
                .build();
        assertThat(stub(TENANT).prune(request).getFreedBytes())
                .as("nothing but the root's, which stays open")
                .isZero();
        refused(Status.Code.PERMISSION_DENIED, () -> stub(new TenantId("other")).prune(request));
        assertThat(stub(TENANT).read(talk.read(TENANT)).getSlotsList()).hasSize(2);
    }

    @Test
    void says_what_is_wrong_with_a_request() {
        refused(
                Status.Code.INVALID_ARGUMENT,
                () -> stub(TENANT)
                        .read(ReadRequest.newBuilder()
                                .setTenant(TENANT.value())
                                .setConversation("nonsense")
                                .build()));
    }

    @Test
    void is_ready_and_counts() throws Exception {
        assertThat(get("/actuator/health/readiness")).contains("\"UP\"");
        assertThat(get("/actuator/health/liveness")).contains("\"UP\"");
        assertThat(get("/actuator/prometheus"))
                .contains("agentserver_buffer_slots ")
                .contains("agentserver_buffer_bytes")
                .contains("agentserver_buffer_shard_slots{shard=\"15\"}")
                .contains("agentserver_buffer_shard_bytes{shard=\"0\"}")
                .contains("agentserver_buffer_reads_total{from=\"hot\"}")
                .contains("agentserver_buffer_call_seconds_count{call=\"park\"}")
                .contains("agentserver_prune_total ")
                .contains("agentserver_prune_failures_total 0.0")
                .contains("agentserver_prune_freed_bytes_total")
                .contains("agentserver_buffer_refills_total")
                .contains("agentserver_buffer_begin_seconds_count");
    }

    @Test
    void does_not_start_without_its_stores_or_brokers_and_says_why_in_one_line() {
        doesNotStart(
                "AGENTSERVER_REDIS_URL=redis://127.0.0.1:1 cannot be reached: start that Redis or name another",
                Map.of("AGENTSERVER_BUFFER_STORE", "redis", "AGENTSERVER_REDIS_URL", "redis://127.0.0.1:1"));
        doesNotStart(
                "AGENTSERVER_REDIS_URL=rediss://…@127.0.0.1:1 cannot be reached: start that Redis or name another",
                Map.of("AGENTSERVER_BUFFER_STORE", "redis", "AGENTSERVER_REDIS_URL", "rediss://:s3cret@127.0.0.1:1"));
        doesNotStart(
                "AGENTSERVER_BUFFER_STORE=disk is no store: set memory, redis or tiered",
                Map.of("AGENTSERVER_BUFFER_STORE", "disk"));
        doesNotStart(
                "AGENTSERVER_REDIS_URL is not set and AGENTSERVER_BUFFER_STORE=tiered needs it: set redis://host:port",
                Map.of());
        doesNotStart(
                "AGENTSERVER_KAFKA=127.0.0.1:1: no broker answers there: start it or correct the address; if it wants TLS or"
                        + " a user, AGENTSERVER_KAFKA_PROPERTIES says so",
                Map.of("AGENTSERVER_BUFFER_STORE", "memory", "AGENTSERVER_KAFKA", "127.0.0.1:1"));
    }

    private static void doesNotStart(String reason, Map<String, String> settings) {
        assertThatThrownBy(() -> start(settings).close())
                .satisfies(failure ->
                        assertThat(ServiceApplication.reason(failure)).isEqualTo(reason));
    }

    private static ConfigurableApplicationContext start(Map<String, String> settings) {
        Map<String, String> all = new java.util.HashMap<>(Map.of(
                "AGENTSERVER_BIND", "127.0.0.1",
                "AGENTSERVER_BUFFER_PORT", "0",
                "AGENTSERVER_BUFFER_MANAGEMENT_PORT", "0",
                "AGENTSERVER_PLATFORM_KEY", keys.toString()));
        all.putAll(settings);
        return ServiceApplication.start(BufferApplication.class, "buffer", all);
    }

    private static String get(String path) throws Exception {
        String port = service.getEnvironment().getRequiredProperty("local.server.port");
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            return answer.body();
        }
    }

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private static Metadata headers(TenantId tenant) {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + tokens.issue(tenant, ServiceTokens.BUFFER));
        return headers;
    }

    private static BufferGrpc.BufferBlockingStub stub(TenantId tenant) {
        return BufferGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(tenant)));
    }

    private static void refused(Status.Code code, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        refusal -> assertThat(refusal.getStatus().getCode()).isEqualTo(code));
    }

    private static StreamObserver<WatchEvent> into(List<WatchEvent> events) {
        return new StreamObserver<>() {
            @Override
            public void onNext(WatchEvent event) {
                events.add(event);
            }

            @Override
            public void onError(Throwable end) {
                // the test's end closes the channel
            }

            @Override
            public void onCompleted() {
                throw new AssertionError("a watch stays open");
            }
        };
    }

    /** A conversation of one message. */
    private static final class Talk {
        final TenantId tenant;
        final MessageId id = MessageId.create();
        final String message = id.toString();
        final String conversation;

        Talk() {
            this(TENANT);
        }

        Talk(TenantId tenant) {
            this.tenant = tenant;
            this.conversation = ThreadId.ofFirstMessage(tenant, id).toString();
        }

        BeginRequest.Builder begin() {
            return BeginRequest.newBuilder()
                    .setTenant(tenant.value())
                    .setConversation(conversation)
                    .setThread(conversation)
                    .setMessage(message)
                    .setClient(true)
                    .setFrom("client")
                    .setTo("echo")
                    .setRoot("Order")
                    .setEnvelope("<order/>")
                    .setDigest(ByteString.copyFromUtf8("digest"));
        }

        CompleteRequest respond(BeginReply begun) {
            return CompleteRequest.newBuilder()
                    .setTenant(tenant.value())
                    .setConversation(conversation)
                    .setThread(conversation)
                    .setMessage(message)
                    .addOutputs(Output.newBuilder()
                            .setKind(Kind.RESPOND)
                            .setMessage(id.output(0).toString())
                            .setThread(begun.getCallerThread())
                            .setFrom("echo")
                            .setTo(begun.getCaller())
                            .setRoot("response")
                            .setEnvelope("<response/>"))
                    .build();
        }

        AnswerRequest answer(TenantId tenant, String content) {
            return AnswerRequest.newBuilder()
                    .setTenant(tenant.value())
                    .setConversation(conversation)
                    .setThread(conversation)
                    .setMessage(message)
                    .setAnswer(LateAnswer.newBuilder().setContent(content))
                    .build();
        }

        ReadRequest read(TenantId tenant) {
            return ReadRequest.newBuilder()
                    .setTenant(tenant.value())
                    .setConversation(conversation)
                    .setLimit(100)
                    .build();
        }
    }
}
