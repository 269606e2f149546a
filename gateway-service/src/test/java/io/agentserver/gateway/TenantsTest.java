package io.agentserver.gateway;

import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.Topics;
import io.agentserver.service.ServiceApplication;
import io.agentserver.tenancy.RetiredOrganism;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.apache.kafka.clients.admin.Admin;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.CreateTableRequest;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(GatewayExtension.class)
class TenantsTest {
    private final RunningGateway gateway;
    private final LocalStores stores;
    private final String tenant = "u" + Ids.v7().toString().substring(0, 35).replace("-", "x");

    TenantsTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @Test
    void creates_a_tenant_with_a_key_that_works_at_once_and_only_once() {
        String key = gateway.createTenant(tenant);

        assertThat(gateway.get("/v1/listeners", key).status()).isEqualTo(200);
        Answer again = gateway.post(
                "/admin/v1/tenants",
                RunningGateway.ADMIN_KEY,
                "application/json",
                "{\"id\":\"" + tenant + "\",\"name\":\"x\"}");
        assertThat(again.status()).isEqualTo(409);
        assertThat(gateway.get("/admin/v1/tenants/" + tenant, RunningGateway.ADMIN_KEY)
                        .body())
                .doesNotContain("as_live")
                .contains(tenant);
    }

    @Test
    void a_tenants_topics_have_as_many_partitions_as_its_plan_says() throws Exception {
        String developer = "d" + tenant.substring(1);
        gateway.createTenant(tenant);
        assertThat(create("{\"id\":\"" + developer + "\",\"name\":\"x\",\"plan\":\"dev\"}")
                        .status())
                .isEqualTo(201);
        assertThat(gateway.send(gateway.request("/admin/v1/tenants/" + tenant)
                                .header("Authorization", "Bearer " + RunningGateway.ADMIN_KEY)
                                .header("Content-Type", "application/json")
                                .method("PATCH", HttpRequest.BodyPublishers.ofString("{\"plan\":\"dev\"}")))
                        .status())
                .isEqualTo(200);

        try (Admin admin = Admin.create(Map.of("bootstrap.servers", stores.kafkaBootstrap()))) {
            assertThat(partitions(admin, tenant)).as("never changed afterwards").containsOnly(6);
            assertThat(partitions(admin, developer)).containsOnly(4);
        }
    }

    private static List<Integer> partitions(Admin admin, String id) throws Exception {
        TenantId tenant = new TenantId(id);
        return admin
                .describeTopics(List.of(Topics.messages(tenant), Topics.deadLetters(tenant)))
                .allTopicNames()
                .get()
                .values()
                .stream()
                .map(topic -> topic.partitions().size())
                .toList();
    }

    @Test
    void a_tenant_that_is_told_to_go_is_refused_by_every_gateway_at_once_and_its_id_is_never_free() {
        try (RunningGateway other = RunningGateway.on(stores)) {
            String key = gateway.createTenant(tenant);
            String neighbour = tenant.substring(0, 30);
            String theirs = gateway.createTenant(neighbour);
            assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status())
                    .isEqualTo(200);
            Awaitility.await()
                    .until(() -> other.get("/v1/listeners", key).status() == 200
                            && other.get("/v1/listeners", theirs).status() == 200);

            Answer told = gateway.delete("/admin/v1/tenants/" + tenant, RunningGateway.ADMIN_KEY);

            assertThat(told.status()).as(told.body()).isEqualTo(202);
            assertThat(gateway.get("/v1/listeners", key).problem()).isEqualTo("unauthenticated");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(5))
                    .until(() -> other.get("/v1/listeners", key).status() == 401);
            assertThat(gateway.get("/admin/v1/tenants/" + tenant, RunningGateway.ADMIN_KEY)
                            .status())
                    .isEqualTo(404);
            assertThat(gateway.get("/admin/v1/tenants", RunningGateway.ADMIN_KEY)
                            .body())
                    .contains(neighbour)
                    .doesNotContain("\"" + tenant + "\"");
            assertThat(gateway.post(
                                    "/admin/v1/tenants/" + tenant + "/keys",
                                    RunningGateway.ADMIN_KEY,
                                    "application/json",
                                    "{\"name\":\"again\"}")
                            .status())
                    .isEqualTo(404);
            assertThat(create("{\"id\":\"" + tenant + "\",\"name\":\"x\"}").status())
                    .isEqualTo(409);
            Answer again = other.delete("/admin/v1/tenants/" + tenant, RunningGateway.ADMIN_KEY);
            assertThat(again.header("Location")).isEqualTo(told.header("Location"));
            Answer job = other.get(told.header("Location"), RunningGateway.ADMIN_KEY);
            assertThat(job.json().path("tenant").asString()).isEqualTo(tenant);
            assertThat(job.json().path("requested_at")).isEqualTo(told.json().path("requested_at"));
            assertThat(other.get("/v1/listeners", theirs).status()).isEqualTo(200);
        }
    }

    @Test
    void nobody_who_is_not_there_is_deleted() {
        assertThat(gateway.delete("/admin/v1/tenants/" + tenant, RunningGateway.ADMIN_KEY)
                        .status())
                .isEqualTo(404);
        assertThat(gateway.get("/admin/v1/jobs/delete-" + tenant, RunningGateway.ADMIN_KEY)
                        .status())
                .isEqualTo(404);
        assertThat(gateway.get("/admin/v1/jobs/7", RunningGateway.ADMIN_KEY).status())
                .isEqualTo(404);
        assertThat(gateway.delete("/admin/v1/tenants/" + tenant, gateway.createTenant(tenant))
                        .status())
                .isEqualTo(401);
    }

    @Test
    void lets_only_the_operator_in() {
        assertThat(gateway.get("/admin/v1/tenants", "wrong").status()).isEqualTo(401);
        assertThat(gateway.get("/admin/v1/tenants", gateway.createTenant(tenant))
                        .status())
                .isEqualTo(401);
    }

    @Test
    void refuses_an_id_that_is_none_and_members_that_nobody_knows() {
        assertThat(create("{\"id\":\"../x\",\"name\":\"x\"}").problem()).isEqualTo("invalid-field");
        assertThat(create("{\"id\":\"abc\",\"name\":\"x\",\"balance\":1}").problem())
                .isEqualTo("unknown-field");
        assertThat(create("{\"id\":\"abc\",\"name\":\"x\",\"plan\":\"gold\"}").problem())
                .isEqualTo("invalid-field");
    }

    @Test
    void activates_an_organism_and_repeats_a_put_without_a_new_version() {
        String key = gateway.createTenant(tenant);
        Answer first = gateway.putOrganism(key, AdmissionTest.ORGANISM);
        Answer again = gateway.putOrganism(key, AdmissionTest.ORGANISM);
        Answer second = gateway.putOrganism(key, AdmissionTest.ORGANISM + "# changed\n");

        assertThat(first.json().path("version").asInt()).isEqualTo(1);
        assertThat(again.json().path("version").asInt()).isEqualTo(1);
        assertThat(second.json().path("version").asInt()).isEqualTo(2);
        Answer read = gateway.get("/v1/organism", key);
        assertThat(read.body()).endsWith("# changed\n");
        assertThat(read.header("ETag")).isEqualTo("\"2\"");
        assertThat(gateway.get("/v1/organism/versions", key).json().path("data"))
                .hasSize(2);
        assertThat(gateway.get("/v1/listeners", key).body()).contains("greeter", "Greeting");
        assertThat(gateway.get("/v1/listeners/greeter/schema", key).body()).contains("schema");
    }

    @Test
    void no_pod_keeps_old_versions_and_the_table_does() {
        String key = gateway.createTenant(tenant);
        TenantId id = new TenantId(tenant);
        Random random = new Random(11);
        for (int version = 1; version <= 4; version++) {
            assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM + noise(random))
                            .status())
                    .isEqualTo(200);
        }
        TenantDirectory directory = gateway.bean(TenantDirectory.class);
        DynamoTenantTable table = gateway.bean(DynamoTenantTable.class);
        assertThat(directory.versions(id)).containsExactlyInAnyOrder(3L, 4L);
        assertThat(directory.isRetired(id, 2)).isTrue();

        // as every minute
        gateway.bean(Tenants.class).retireOrganisms();

        assertThat(table.organism(id, 2))
                .as("its schemas can be fetched for ever")
                .isPresent();
        Awaitility.await()
                .untilAsserted(() -> assertThat(directory.retired())
                        .extracting(RetiredOrganism::tenant)
                        .doesNotContain(id));
        Answer page = gateway.get("/v1/organism/versions?limit=3", key);
        assertThat(page.json().path("data").findValuesAsString("version")).containsExactly("4", "3", "2");
        assertThat(page.json().path("data").get(0).path("current").asBoolean()).isTrue();
        Answer rest = gateway.get(
                "/v1/organism/versions?limit=3&cursor="
                        + page.json().path("next_cursor").asString(),
                key);
        assertThat(rest.json().path("data").findValuesAsString("version")).containsExactly("1");
        assertThat(rest.body()).doesNotContain("next_cursor");
        assertThat(gateway.get("/v1/organism/versions?cursor=1", key).body()).isEqualTo("{\"data\":[]}");
        String later =
                gateway.get("/v1/organism/versions?limit=1&cursor=999999", key).body();
        assertThat(later).contains("\"version\":4", "\"next_cursor\":\"4\"");
        gateway.bean(DynamoDbClient.class) // as an older version of this service has made it
                .deleteItem(b -> b.tableName("tenants")
                        .key(Map.of(
                                "pk", AttributeValue.fromS(tenant), "sk", AttributeValue.fromS("version#0000000004"))));
        assertThat(gateway.get("/v1/organism/versions?limit=1&cursor=5", key).body())
                .isEqualTo(later);
        assertThat(gateway.get("/v1/organism/versions?limit=0", key).status()).isEqualTo(400);
        assertThat(gateway.get("/v1/organism/versions?cursor=x", key).status()).isEqualTo(400);
    }

    @Test
    void finds_the_entries_by_an_index_that_the_start_completes() {
        gateway.createTenant(tenant);
        DynamoTenantTable table = gateway.bean(DynamoTenantTable.class);
        assertThat(table.all()).extracting(TenantEntry::id).contains(tenant);

        gateway.bean(DynamoDbClient.class) // as if an older version had made it
                .deleteItem(b -> b.tableName("tenants")
                        .key(Map.of("pk", AttributeValue.fromS("#tenants"), "sk", AttributeValue.fromS(tenant))));
        assertThat(table.all()).extracting(TenantEntry::id).doesNotContain(tenant);
        table.index();
        assertThat(table.all()).extracting(TenantEntry::id).contains(tenant);
    }

    /** Comments that take 375 KB when they are zipped. */
    private static String noise(Random random) {
        StringBuilder lines = new StringBuilder();
        byte[] line = new byte[75_000];
        for (int i = 0; i < 5; i++) {
            random.nextBytes(line);
            lines.append("# ").append(Base64.getEncoder().encodeToString(line)).append('\n');
        }
        return lines.toString();
    }

    @Test
    void turns_a_storm_of_versions_away() {
        String key = gateway.createTenant(tenant);
        Answer last = gateway.putOrganism(key, AdmissionTest.ORGANISM);
        int active = 0;
        while (last.status() == 200 && active < 100) {
            active++;
            last = gateway.putOrganism(key, AdmissionTest.ORGANISM + "# " + active + "\n");
        }
        assertThat(last.problem()).isEqualTo("rate-limited");
        assertThat(Integer.parseInt(last.header("Retry-After"))).isBetween(1, 10);
        assertThat(active).isGreaterThanOrEqualTo(20);

        assertThat(gateway.putOrganism(key, gateway.get("/v1/organism", key).body())
                        .status())
                .as("the same again makes no version")
                .isEqualTo(200);
        assertThat(gateway.send(gateway.request("/v1/organism?dry_run=true")
                                .header("Authorization", "Bearer " + key)
                                .header("Content-Type", "application/yaml")
                                .PUT(HttpRequest.BodyPublishers.ofString(AdmissionTest.ORGANISM + "# dry\n")))
                        .status())
                .isEqualTo(200);
    }

    /** On counters of its own: the others make tenants too. */
    @Test
    void turns_a_storm_of_tenants_away() {
        try (RunningGateway stormed =
                RunningGateway.on(stores, Map.of("AGENTSERVER_REDIS_URL", stores.redisUrl() + "/1"))) {
            String key = stormed.createTenant(tenant);
            Answer last = again(stormed);
            for (int i = 0; i < 2_000 && last.status() == 409; i++) {
                last = again(stormed);
            }
            assertThat(last.status()).isEqualTo(429);
            assertThat(last.problem()).isEqualTo("rate-limited");
            assertThat(last.header("Retry-After")).isEqualTo("1");
            assertThat(stormed.get("/v1/listeners", key).status())
                    .as("others go on")
                    .isEqualTo(200);
        }
    }

    private Answer again(RunningGateway where) {
        return where.post(
                "/admin/v1/tenants",
                RunningGateway.ADMIN_KEY,
                "application/json",
                "{\"id\":\"" + tenant + "\",\"name\":\"x\"}");
    }

    /** Where the installation makes the tables, the gateway's role may not. */
    @Test
    void a_table_that_is_there_needs_no_right_to_make_one() {
        ExecutionInterceptor noTables = new ExecutionInterceptor() {
            @Override
            public void beforeExecution(Context.BeforeExecution call, ExecutionAttributes attributes) {
                if (call.request() instanceof CreateTableRequest) {
                    throw DynamoDbException.builder()
                            .message("not authorized to perform dynamodb:CreateTable")
                            .build();
                }
            }
        };
        try (DynamoDbClient dynamo = DynamoDbClient.builder()
                .endpointOverride(stores.dynamoEndpoint())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
                .overrideConfiguration(o -> o.addExecutionInterceptor(noTables))
                .build()) {
            DynamoTenantTable table = new DynamoTenantTable(dynamo);

            table.createIfAbsent();

            gateway.createTenant(tenant);
            assertThat(table.find(new TenantId(tenant))).isPresent();
        }
    }

    @Test
    void no_org_can_have_the_platforms_own_name() {
        Answer refused = gateway.send(gateway.request("/admin/v1/tenants")
                .header("Authorization", "Bearer " + RunningGateway.ADMIN_KEY)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"id\":\"agentserver\",\"name\":\"x\"}")));
        assertThat(refused.status()).as(refused.body()).isEqualTo(422);
        assertThat(refused.body()).contains("the platform's own name");
    }

    @Test
    void tells_every_error_of_an_organism_and_keeps_the_old_one() {
        String key = gateway.createTenant(tenant);
        gateway.putOrganism(key, AdmissionTest.ORGANISM);
        Answer refused = gateway.putOrganism(
                key, "organism: {name: x}\nlisteners:\n  - name: a\n    handler: builtin:nothing\n  - name: a\n");

        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.problem()).isEqualTo("invalid-organism");
        assertThat(refused.json().path("errors").size()).isGreaterThan(1);
        assertThat(refused.json().path("errors").path(0).path("line").asInt()).isPositive();
        assertThat(gateway.get("/v1/organism", key).body()).isEqualTo(AdmissionTest.ORGANISM);
    }

    @Test
    void changes_nothing_in_a_dry_run_nor_against_if_match() {
        String key = gateway.createTenant(tenant);
        gateway.putOrganism(key, AdmissionTest.ORGANISM);
        Answer dry = gateway.send(put("/v1/organism?dry_run=true", key, AdmissionTest.ORGANISM + "# dry\n"));
        Answer late = gateway.send(
                put("/v1/organism", key, AdmissionTest.ORGANISM + "# late\n").header("If-Match", "\"7\""));

        assertThat(dry.json().path("version").asInt()).isEqualTo(2);
        assertThat(late.status()).isEqualTo(412);
        assertThat(gateway.get("/v1/organism", key).body()).isEqualTo(AdmissionTest.ORGANISM);
    }

    @Test
    void boots_the_listeners_that_take_it_once_for_each_version() {
        String key = gateway.createTenant(tenant);
        String yaml = AdmissionTest.ORGANISM + "    boot: true\n";
        gateway.putOrganism(key, yaml);
        gateway.putOrganism(key, yaml);

        List<String> log = LogReader.all(stores, tenant).stream()
                .map(r -> new String(r.value(), StandardCharsets.UTF_8))
                .toList();
        assertThat(log).hasSize(1);
        var boot = EnvelopeDocument.readOwn(log.getFirst());
        assertThat(boot.meta().from()).isEqualTo("system");
        assertThat(boot.meta().to()).isEqualTo("greeter");
        assertThat(boot.payload()).contains("<organism>test</organism><version>1</version>");
    }

    @Test
    void revokes_a_key_and_gives_none_more_than_its_maker_has() {
        String key = gateway.createTenant(tenant);
        Answer made = gateway.post(
                "/v1/keys", key, "application/json", "{\"name\":\"sender\",\"scopes\":[\"messages:write\"]}");
        assertThat(made.status()).isEqualTo(201);
        String secret = made.json().path("secret").asString();
        assertThat(gateway.get("/v1/listeners", secret).status()).isEqualTo(200);
        assertThat(gateway.get("/v1/keys", secret).status()).isEqualTo(403);

        assertThat(gateway.send(gateway.request(made.header("Location"))
                                .header("Authorization", "Bearer " + key)
                                .DELETE())
                        .status())
                .isEqualTo(204);
        assertThat(gateway.get("/v1/listeners", secret).status()).isEqualTo(401);
        assertThat(gateway.get("/v1/keys", key).json().path("data")).hasSize(1);
    }

    @Test
    void gives_the_operator_another_key_for_a_tenant_that_lost_its_own() {
        String lost = gateway.createTenant(tenant);
        String keys = "/admin/v1/tenants/" + tenant + "/keys";
        Answer made = gateway.post(keys, RunningGateway.ADMIN_KEY, "application/json", "{\"name\":\"second\"}");

        assertThat(made.status()).isEqualTo(201);
        assertThat(made.json().path("scopes")).hasSize(Scope.values().length);
        assertThat(made.header("Location"))
                .isEqualTo("/v1/keys/" + made.json().path("id").asString());
        String secret = made.json().path("secret").asString();
        assertThat(gateway.get("/v1/keys", secret).json().path("data")).hasSize(2);
        assertThat(gateway.get("/v1/keys", lost).status()).as("revokes none").isEqualTo(200);

        Answer narrow = gateway.post(
                keys,
                RunningGateway.ADMIN_KEY,
                "application/json",
                "{\"name\":\"sender\",\"scopes\":[\"messages:write\"],\"expires_at\":\"2999-01-01T00:00:00Z\"}");
        assertThat(narrow.json().path("expires_at").asString()).isEqualTo("2999-01-01T00:00:00Z");
        assertThat(gateway.get("/v1/keys", narrow.json().path("secret").asString())
                        .status())
                .isEqualTo(403);
    }

    @Test
    void gives_another_key_to_the_operator_alone_and_for_a_tenant_that_is_there() {
        String key = gateway.createTenant(tenant);
        String keys = "/admin/v1/tenants/" + tenant + "/keys";
        assertThat(gateway.post(keys, key, "application/json", "{\"name\":\"x\"}")
                        .status())
                .isEqualTo(401);
        for (String id : List.of("no-such-tenant", "..%20", "T")) {
            assertThat(gateway.post(
                                    "/admin/v1/tenants/" + id + "/keys",
                                    RunningGateway.ADMIN_KEY,
                                    "application/json",
                                    "{\"name\":\"x\"}")
                            .status())
                    .as(id)
                    .isEqualTo(404);
        }
        for (String body : List.of(
                "{}",
                "{\"name\":\" \"}",
                "{\"name\":\"x\",\"scopes\":[]}",
                "{\"name\":\"x\",\"scopes\":[\"all\"]}",
                "{\"name\":\"x\",\"expires_at\":\"2001-01-01T00:00:00Z\"}",
                "{\"name\":\"x\",\"secret\":\"mine\"}")) {
            assertThat(gateway.post(keys, RunningGateway.ADMIN_KEY, "application/json", body)
                            .status())
                    .as(body)
                    .isEqualTo(422);
        }
        assertThat(gateway.get("/v1/keys", key).json().path("data")).hasSize(1);
    }

    @Test
    void keeps_tenants_over_a_restart_also_when_the_topic_was_lost() throws Exception {
        try (LocalStores own = RunningGateway.stores()) {
            String key;
            try (RunningGateway first = RunningGateway.on(own)) {
                key = first.createTenant(tenant);
                first.putOrganism(key, AdmissionTest.ORGANISM);
            }
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", own.kafkaBootstrap()))) {
                admin.deleteTopics(List.of(Topics.TENANTS)).all().get();
                Awaitility.await().until(() -> !admin.listTopics().names().get().contains(Topics.TENANTS));
            }
            try (RunningGateway second = RunningGateway.on(own)) {
                Awaitility.await()
                        .atMost(Duration.ofSeconds(20))
                        .untilAsserted(
                                () -> assertThat(second.get("/v1/organism", key).body())
                                        .isEqualTo(AdmissionTest.ORGANISM));
            }
        }
    }

    @Test
    void is_ready_and_tells_anybody_its_public_keys() {
        Awaitility.await()
                .untilAsserted(() -> assertThat(gateway.send(gateway.managementRequest("/actuator/health/readiness"))
                                .status())
                        .isEqualTo(200));
        assertThat(gateway.send(gateway.request("/healthz")).body()).isEqualTo("ok\n");
        assertThat(gateway.send(gateway.request("/.well-known/jwks.json")).body())
                .contains("\"keys\"")
                .doesNotContain("\"d\"");
    }

    @Test
    void answers_unknown_paths_and_wrong_methods_with_problems() {
        assertThat(gateway.get("/v1/nothing", "x").problem()).isEqualTo("not-found");
        assertThat(gateway.get("/v1/messages", "x").status()).isEqualTo(405);
    }

    @Test
    void says_503_for_reads_while_the_buffer_is_away_and_404_for_what_is_no_id() {
        String key = gateway.createTenant(tenant);
        Answer away = gateway.get("/v1/threads/" + Ids.v7(), key);
        assertThat(away.status()).isEqualTo(503);
        assertThat(away.header("Retry-After")).isNotEmpty();
        assertThat(gateway.get("/v1/threads/7", key).status()).isEqualTo(404);
    }

    @Test
    void names_the_setting_the_value_and_the_remedy_when_it_cannot_start() {
        assertRefused("AGENTSERVER_KAFKA", "127.0.0.1:1", "no broker answers there");
        assertRefused("AGENTSERVER_DYNAMODB_URL", "http://127.0.0.1:1", "does not answer");
        assertRefused("AGENTSERVER_PLATFORM_KEY", "/nowhere/key.json", "/nowhere/key.json");
        assertRefused("AGENTSERVER_PLATFORM_SECRET", "c2hvcnQ=", "at least 32 random bytes");
        assertRefused("AGENTSERVER_BIND", "203.0.113.1", "is no address of this machine");
    }

    @ParameterizedTest
    @ValueSource(strings = {"AGENTSERVER_GATEWAY_PORT", "AGENTSERVER_GATEWAY_MANAGEMENT_PORT"})
    void names_the_setting_of_a_port_that_is_taken(String setting) throws IOException {
        for (String address : List.of("127.0.0.1", "0.0.0.0")) {
            try (ServerSocket holder = new ServerSocket(0, 1, InetAddress.ofLiteral(address))) {
                String port = String.valueOf(holder.getLocalPort());
                assertRefused(setting, port, "=" + port + " is taken: stop what listens there, or give another port");
            }
        }
    }

    private void assertRefused(String setting, String value, String words) {
        Map<String, String> settings = RunningGateway.settings(stores, Map.of(setting, value));
        assertThatThrownBy(() -> ServiceApplication.start(GatewayApplication.class, "gateway", settings)
                        .close())
                .satisfies(e -> assertThat(ServiceApplication.reason(e))
                        .startsWith(setting)
                        .contains(words)
                        .doesNotContain("\n"));
    }

    private Answer create(String json) {
        return gateway.post("/admin/v1/tenants", RunningGateway.ADMIN_KEY, "application/json", json);
    }

    private HttpRequest.Builder put(String path, String key, String yaml) {
        return gateway.request(path)
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/yaml")
                .PUT(HttpRequest.BodyPublishers.ofString(yaml));
    }
}
