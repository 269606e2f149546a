package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.organism.CloudFrontAddresses;
import io.agentserver.gateway.organism.S3Delivery;
import io.agentserver.gateway.organism.StaticDelivery;
import io.agentserver.localstores.LocalS3;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.ServiceApplication;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.ListObjectVersionsResponse;
import software.amazon.awssdk.services.s3.model.ObjectVersion;
import tools.jackson.databind.JsonNode;

import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** A gateway with a bucket, beside the shared one, which has none; both on the same stores. */
@ExtendWith(GatewayExtension.class)
class StaticDeliveryTest {
    private static final String ORGANISM = """
        organism: {name: test}
        listeners:
          - name: greeter
            description: Greets.
            agent: true
            handler: llm
            prompt: Be as warm as the sun in Ñuble.
            model: default
            payload: {root: Greeting, fields: {Name: string}}
        """;

    private static final String BUCKET = "static";
    private static final String VERSIONED = "versioned";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private static Path directory;

    @SuppressWarnings("NullAway.Init")
    private static LocalS3 s3;

    @SuppressWarnings("NullAway.Init")
    private static RunningGateway with;

    private final RunningGateway without;
    private final LocalStores stores;
    private String key = "";

    StaticDeliveryTest(RunningGateway gateway, LocalStores stores) {
        this.without = gateway;
        this.stores = stores;
    }

    @BeforeAll
    static void a_gateway_with_a_bucket(LocalStores stores) throws Exception {
        s3 = LocalS3.start(directory.resolve("s3"), BUCKET + "," + VERSIONED);
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
        rsa.initialize(2048);
        String base64 = Base64.getMimeEncoder()
                .encodeToString(rsa.generateKeyPair().getPrivate().getEncoded());
        Files.writeString(pem(), "-----BEGIN PRIVATE KEY-----\n" + base64 + "\n-----END PRIVATE KEY-----\n");
        with = RunningGateway.on(stores, delivery(pem(), s3.url()));
    }

    @AfterAll
    static void close() {
        with.close();
        s3.close();
    }

    @BeforeEach
    void a_tenant() {
        key = tenant();
    }

    @Test
    void sends_whoever_may_have_a_file_to_where_it_was_put_with_the_same_headers() throws Exception {
        assertThat(with.putOrganism(key, ORGANISM).status()).isEqualTo(200);

        JsonNode greeter = greeter();
        for (String path : new String[] {
            greeter.path("payload").path("xsd_path").asString(""),
            greeter.path("prompt_path").asString("")
        }) {
            Answer sent = with.get(path, key);
            assertThat(sent.status()).as(path + sent.body()).isEqualTo(307);
            assertThat(sent.header("Cache-Control")).isEqualTo("no-store");
            URI address = URI.create(sent.header("Location"));
            assertThat(address.getHost()).isEqualTo("static.example.com");
            assertThat(address.getQuery()).contains("Expires=", "Signature=", "Key-Pair-Id=KTEST");
            HttpResponse<String> kept = s3.get(address.getPath().substring(1));
            Answer own = without.get(path, key);
            assertThat(kept.statusCode()).isEqualTo(200);
            assertThat(kept.body()).isEqualTo(own.body());
            assertThat(kept.headers().firstValue("Cache-Control")).contains(own.header("Cache-Control"));
            assertThat(kept.headers().firstValue("Content-Type")).contains(own.header("Content-Type"));
        }
    }

    @Test
    void forgets_a_tenants_files_and_nobody_elses() throws Exception {
        assertThat(with.putOrganism(key, ORGANISM).status()).isEqualTo(200);
        Answer sent = with.get(greeter().path("prompt_path").asString(""), key);
        String object = URI.create(sent.header("Location")).getPath().substring(1);
        String tenant = object.substring(0, object.indexOf('/'));
        String others = tenant(); // its id is another
        assertThat(with.putOrganism(others, ORGANISM).status()).isEqualTo(200);
        key = others;
        Answer othersSent = with.get(greeter().path("prompt_path").asString(""), others);
        String othersObject =
                URI.create(othersSent.header("Location")).getPath().substring(1);

        StaticDelivery delivery = with.bean(StaticDelivery.class);
        assertThat(delivery.forget(new TenantId(tenant))).isPositive();
        assertThat(delivery.forget(new TenantId(tenant))).isZero();

        assertThat(s3.get(object).statusCode()).isEqualTo(404);
        assertThat(s3.get(othersObject).statusCode()).isEqualTo(200);
    }

    /** As an operator may have it for all buckets: deleting an object leaves what it was, and a mark. */
    @Test
    void forgets_all_versions_that_a_bucket_keeps() {
        CloudFrontAddresses addresses =
                CloudFrontAddresses.of("https://static.example.com", "KTEST", pem(), Clock.systemUTC());
        try (S3Client client = client();
                S3Delivery delivery = S3Delivery.to(s3.url(), VERSIONED, addresses)) {
            client.putBucketVersioning(put ->
                    put.bucket(VERSIONED).versioningConfiguration(its -> its.status(BucketVersioningStatus.ENABLED)));
            for (String object : List.of("acme/1.txt", "acme/1.txt", "acme/2.txt", "acme-too/1.txt")) {
                client.putObject(put -> put.bucket(VERSIONED).key(object), RequestBody.fromString("a prompt"));
            }
            client.deleteObject(delete -> delete.bucket(VERSIONED).key("acme/2.txt"));

            assertThat(delivery.forget(new TenantId("acme"))).isEqualTo(4); // two and one, and a mark
            assertThat(delivery.forget(new TenantId("acme"))).isZero();

            ListObjectVersionsResponse left = client.listObjectVersions(list -> list.bucket(VERSIONED));
            assertThat(left.versions()).extracting(ObjectVersion::key).containsExactly("acme-too/1.txt");
            assertThat(left.deleteMarkers()).isEmpty();
        }
    }

    private static S3Client client() {
        return S3Client.builder()
                .httpClientBuilder(Apache5HttpClient.builder())
                .endpointOverride(URI.create(s3.url()))
                .region(Region.US_EAST_1)
                .forcePathStyle(true)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
                .build();
    }

    @Test
    void shows_the_address_to_nobody_else() {
        assertThat(with.putOrganism(key, ORGANISM).status()).isEqualTo(200);
        String prompt = greeter().path("prompt_path").asString("");
        String writer = without.post(
                        "/v1/keys", key, "application/json", "{\"name\":\"w\",\"scopes\":[\"messages:write\"]}")
                .json()
                .path("secret")
                .asString("");
        String other = tenant();
        await().until(() -> with.get("/v1/listeners", writer).status() == 200);

        assertThat(with.get(prompt, writer).problem()).isEqualTo("forbidden");
        assertThat(with.get(prompt, other).problem()).isEqualTo("not-found");
        assertThat(with.get(prompt, "as_live_wrong").problem()).isEqualTo("unauthenticated");
    }

    /** One that became active before there was a bucket, or while S3 was away. */
    @Test
    void puts_what_is_not_there_when_it_is_asked_for() throws Exception {
        assertThat(without.putOrganism(key, ORGANISM).status()).isEqualTo(200);

        Answer sent = with.get(greeter().path("payload").path("xsd_path").asString(""), key);

        assertThat(sent.status()).isEqualTo(307);
        assertThat(s3.get(URI.create(sent.header("Location")).getPath().substring(1))
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void gives_it_out_itself_while_s3_is_away() {
        try (RunningGateway cutOff = RunningGateway.on(stores, delivery(pem(), "http://127.0.0.1:1"))) {
            await().until(() -> cutOff.get("/v1/listeners", key).status() == 200);

            assertThat(cutOff.putOrganism(key, ORGANISM).status()).isEqualTo(200);

            String path = greeter().path("payload").path("xsd_path").asString("");
            Answer own = cutOff.get(path, key);
            assertThat(own.status()).isEqualTo(200);
            assertThat(own.header("Cache-Control")).contains("private", "immutable");
            assertThat(own.body()).isEqualTo(without.get(path, key).body());
        }
    }

    @Test
    void wants_all_of_its_settings_or_none() {
        assertRefused(
                Map.of("AGENTSERVER_STATIC_BUCKET", "b"),
                "AGENTSERVER_STATIC_URL= is not usable: AGENTSERVER_STATIC_BUCKET, _URL, _KEY and _KEY_ID are for each"
                        + " other: give all or none");
        assertRefused(
                delivery(Path.of("/nowhere"), s3.url()),
                "AGENTSERVER_STATIC_KEY=/nowhere is no RSA private key in PEM");
    }

    private void assertRefused(Map<String, String> changes, String reason) {
        Map<String, String> settings = RunningGateway.settings(stores, changes);
        assertThatThrownBy(() -> ServiceApplication.start(GatewayApplication.class, "gateway", settings)
                        .close())
                .satisfies(e -> assertThat(ServiceApplication.reason(e)).startsWith(reason));
    }

    private static Path pem() {
        return directory.resolve("AGENTSERVER_STATIC_KEY");
    }

    private static Map<String, String> delivery(Path key, String s3Url) {
        return Map.of(
                "AGENTSERVER_STATIC_BUCKET",
                BUCKET,
                "AGENTSERVER_STATIC_URL",
                "https://static.example.com",
                "AGENTSERVER_STATIC_KEY",
                key.toString(),
                "AGENTSERVER_STATIC_KEY_ID",
                "KTEST",
                "AGENTSERVER_S3_URL",
                s3Url);
    }

    /** A tenant's key, when both gateways have heard of it. */
    private String tenant() {
        String secret =
                without.createTenant("s" + Ids.v7().toString().substring(0, 35).replace("-", "x"));
        await().until(() -> with.get("/v1/listeners", secret).status() == 200);
        return secret;
    }

    /** When both have heard of it. */
    private JsonNode greeter() {
        for (RunningGateway gateway : new RunningGateway[] {with, without}) {
            await().until(() ->
                    gateway.get("/v1/listeners", key).json().path("data").size() == 1);
        }
        return without.get("/v1/listeners", key).json().path("data").path(0);
    }
}
