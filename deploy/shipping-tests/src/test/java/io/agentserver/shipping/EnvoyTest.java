package io.agentserver.shipping;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.StringValue;
import io.agentserver.organism.OrganismParser;
import io.agentserver.organism.ServiceAnswer;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.endpoint.v3.LbEndpoint;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteMatch;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StdoutAccessLog;
import io.envoyproxy.envoy.extensions.filters.http.buffer.v3.Buffer;
import io.envoyproxy.envoy.extensions.filters.http.buffer.v3.BufferPerRoute;
import io.envoyproxy.envoy.extensions.filters.http.wasm.v3.Wasm;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.Secret;
import io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** deploy/envoy, read as Envoy reads it, and compared with what the gateway is. No Envoy runs here. */
class EnvoyTest {
    private static final Path DIRECTORY = Path.of("../envoy");
    private static final Path GATEWAY = Path.of("../../gateway-service/src/main");
    private static final Pattern MAPPING = Pattern.compile("@(?:Get|Post|Put|Delete|Patch)Mapping\\(\"([^\"]+)\"");
    private static final long ENVELOPE = 256 * 1024;

    private final Bootstrap envoy = EnvoyReader.read(DIRECTORY.resolve("envoy.yaml"), Bootstrap.newBuilder())
            .build();
    private final HttpConnectionManager https = manager("https");
    private final Cluster gateway = envoy.getStaticResources().getClusters(0);

    EnvoyTest() throws IOException {}

    @ParameterizedTest
    @CsvSource({
        "request_timeout: 30s, request_timeot: 30s, request_timeot",
        "max_request_bytes: 262144, max_request_bytes: many, many",
        "filters.http.router.v3.Router, filters.http.rooter.v3.Router, rooter",
        "fallback_policy: DEFAULT_SUBSET, fallback_policy: DEFAULT, DEFAULT",
        "max_request_headers_kb: 16, max_request_headers_kb: 9000, max_request_headers_kb: 9000 is not within",
        "fill_interval: 1s, fill_interval: 0s, token_bucket.fill_interval",
        "stat_prefix: limit, 'stat_prefix: \"\"', stat_prefix",
        "max_request_bytes: 65536, '', max_request_bytes: is required"
    })
    void refuses_what_envoy_would_refuse(String right, String wrong, String named) throws IOException {
        String yaml = Files.readString(DIRECTORY.resolve("envoy.yaml"));
        assertThat(yaml).contains(right);

        assertThatThrownBy(() -> EnvoyReader.readText(yaml.replace(right, wrong), Bootstrap.newBuilder()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(named);
    }

    /** Every path that a mapping of the gateway's has comes to the gateway, but for the operator's. */
    @Test
    void routes_what_the_gateway_answers() throws IOException {
        Set<String> paths = new TreeSet<>(List.of("/v1/respond/{token}", "/v1/static/{version}/{file}"));
        try (Stream<Path> sources = Files.walk(GATEWAY.resolve("java"))) {
            for (Path source : sources.filter(file -> file.toString().endsWith("Endpoint.java"))
                    .toList()) {
                MAPPING.matcher(Files.readString(source)).results().forEach(found -> paths.add(found.group(1)));
            }
        }
        assertThat(paths).hasSizeGreaterThan(20);
        for (String path : paths) {
            Route route = route(path.replaceAll("\\{[^}]+}", "x1"), "");
            if (path.startsWith("/admin/")) {
                assertThat(route.getDirectResponse().getStatus()).as(path).isEqualTo(404);
            } else {
                assertThat(route.getRoute().getCluster()).as(path).isEqualTo("gateway");
            }
        }
        assertThat(route("/actuator/prometheus", "").getDirectResponse().getStatus())
                .isEqualTo(404);
        assertThat(route("/v1/threads/t1/events", "").getName()).isEqualTo("events");
        assertThat(route("/v1/messages", "application/xml").getName()).isEqualTo("messages");
        assertThat(route("/v1/messages", "application/vnd.agentserver.batch+xml; charset=utf-8")
                        .getName())
                .isEqualTo("batch");
    }

    @Test
    void a_tenant_with_a_cell_goes_there_and_all_others_to_the_shared_one() {
        List<LbEndpoint> endpoints = gateway.getLoadAssignment().getEndpoints(0).getLbEndpointsList();

        assertThat(endpoints)
                .hasSize(2)
                .allSatisfy(endpoint -> assertThat(endpoint.getEndpoint()
                                .getAddress()
                                .getSocketAddress()
                                .getPortValue())
                        .isEqualTo(Services.port("gateway", "http")));
        assertThat(endpoints).extracting(EnvoyTest::cell).containsExactly("shared", "acme");
        assertThat(gateway.getLbSubsetConfig()
                        .getDefaultSubset()
                        .getFieldsOrThrow("tenant")
                        .getStringValue())
                .isEqualTo("shared");
        assertThat(gateway.getLbSubsetConfig().getSubsetSelectors(0).getKeysList())
                .containsExactly("tenant");
    }

    @Test
    void waits_longer_than_the_gateway_does() throws IOException {
        String messages =
                Files.readString(GATEWAY.resolve("java/io/agentserver/gateway/admission/MessagesEndpoint.java"));
        long wait = seconds("LONGEST_WAIT = Duration.ofSeconds\\((\\d+)\\)", messages);
        String streams = Files.readString(GATEWAY.resolve("java/io/agentserver/gateway/threads/EventStreams.java"));
        long keepAlive = seconds("KEEP_ALIVE = Duration.ofSeconds\\((\\d+)\\)", streams);
        String body = Files.readString(GATEWAY.resolve("java/io/agentserver/gateway/http/BoundedBody.java"));

        assertThat(https.getStreamIdleTimeout().getSeconds()).isGreaterThan(wait);
        for (String type : List.of("application/xml", "application/vnd.agentserver.batch+xml")) {
            assertThat(route("/v1/messages", type).getRoute().getTimeout().getSeconds())
                    .isBetween(wait + 5, wait + 30);
        }
        var events = route("/v1/threads/t1/events", "").getRoute();
        assertThat(events.hasTimeout()).isTrue();
        assertThat(events.getTimeout()).isEqualTo(Duration.getDefaultInstance()); // none
        assertThat(events.getIdleTimeout().getSeconds()).isGreaterThan(2 * keepAlive);
        assertThat(https.getRequestTimeout().getSeconds())
                .isEqualTo(seconds("PATIENCE = Duration.ofSeconds\\((\\d+)\\)", body));
        Map<?, ?> tomcat = (Map<?, ?>) requireNonNull(server().get("tomcat"));
        assertThat(https.getRequestHeadersTimeout().getSeconds() + "s").isEqualTo(tomcat.get("connection-timeout"));
        long idle = unpack(gateway.getTypedExtensionProtocolOptionsMap().values(), HttpProtocolOptions.class)
                .getCommonHttpProtocolOptions()
                .getIdleTimeout()
                .getSeconds();
        assertThat(idle).isPositive().isLessThan(seconds("(\\d+)s", String.valueOf(tomcat.get("keep-alive-timeout"))));
    }

    @Test
    void takes_no_more_than_the_gateway_does() throws IOException {
        assertThat(https.getMaxRequestHeadersKb().getValue() + "KB")
                .isEqualTo(server().get("max-http-request-header-size"));
        assertThat(Files.readString(GATEWAY.resolve("resources/gateway.yml"))).contains("max-envelope: 256KB");
        assertThat(most(route("/v1/messages", "application/xml"))).isEqualTo(ENVELOPE);
        assertThat(most(route("/v1/messages", "application/vnd.agentserver.batch+xml")))
                .isEqualTo(4L * 1024 * 1024);
        assertThat(most(route("/v1/organism", ""))).isEqualTo(OrganismParser.MOST_BYTES);
        assertThat(most(route("/v1/respond/x", ""))).isEqualTo(ServiceAnswer.MOST_BYTES);
        assertThat(most(route("/v1/keys", ""))).isEqualTo(64 * 1024); // a JsonBody
    }

    @Test
    void judges_before_it_reads_and_reads_before_it_asks() {
        assertThat(https.getHttpFiltersList())
                .extracting(HttpFilter::getName)
                .containsExactly(
                        "envoy.filters.http.local_ratelimit",
                        "envoy.filters.http.wasm",
                        "envoy.filters.http.header_to_metadata",
                        "envoy.filters.http.buffer",
                        "envoy.filters.http.router");
    }

    /** Coraza takes its configuration as JSON in a string; nobody looks into it before Envoy starts. */
    @Test
    void has_a_firewall_that_keeps_no_body() throws IOException {
        var config = filter(Wasm.class).getConfig();
        String json = config.getConfiguration().unpack(StringValue.class).getValue();

        Map<?, ?> coraza = new ObjectMapper().readValue(json, Map.class);
        assertThat(coraza.get("default_directives")).isEqualTo("default");
        List<?> directives =
                (List<?>) requireNonNull(((Map<?, ?>) requireNonNull(coraza.get("directives_map"))).get("default"));
        assertThat(directives)
                .extracting(String::valueOf)
                .contains(
                        "SecRuleEngine On",
                        "SecRequestBodyAccess Off",
                        "SecResponseBodyAccess Off",
                        "SecAuditEngine Off",
                        "Include @owasp_crs/*.conf");
        assertThat(directives.indexOf("Include @crs-setup-conf"))
                .isLessThan(directives.indexOf("Include @owasp_crs/*.conf"));
        assertThat(config.getFailOpen()).isFalse();
    }

    @Test
    void logs_neither_paths_nor_credentials() throws IOException {
        StdoutAccessLog log = https.getAccessLog(0).getTypedConfig().unpack(StdoutAccessLog.class);
        String format = log.getLogFormat().getJsonFormat().toString();

        assertThat(format)
                .contains("%REQ(X-REQUEST-ID)%", "%RESP(REQUEST-ID)%", "%ROUTE_NAME%")
                .doesNotContain(":PATH", "ORIGINAL-PATH", "AUTHORIZATION", "COOKIE", "REFERER", "%PATH", "BODY");
        assertThat(https.getGenerateRequestId().getValue()).isTrue();
        assertThat(https.getRouteConfig().getVirtualHosts(0).getRoutesList())
                .allSatisfy(route -> assertThat(route.getName()).isNotEmpty());
    }

    @Test
    void answers_itself_as_the_gateway_does() throws IOException {
        String problems = Files.readString(GATEWAY.resolve("java/io/agentserver/gateway/problems/ProblemType.java"));

        assertThat(https.getLocalReplyConfig().getMappersList()).hasSize(7).allSatisfy(mapper -> {
            var body = mapper.getBodyFormatOverride();
            assertThat(body.getContentType()).isEqualTo("application/problem+json");
            var fields = body.getJsonFormat().getFieldsMap();
            assertThat(fields.keySet()).containsExactlyInAnyOrder("type", "title", "status", "request_id");
            String type = requireNonNull(fields.get("type")).getStringValue();
            assertThat(type).startsWith("https://xml-pipeline.org/problems/");
            assertThat(problems.contains('"' + type.substring(type.lastIndexOf('/') + 1) + '"')
                            || type.endsWith("/rate-limited")) // not the gateway's yet
                    .as(type)
                    .isTrue();
        });
    }

    @Test
    void speaks_tls_with_a_certificate_that_can_be_changed() throws IOException {
        DownstreamTlsContext tls = listener("https")
                .getFilterChains(0)
                .getTransportSocket()
                .getTypedConfig()
                .unpack(DownstreamTlsContext.class);
        var asked = tls.getCommonTlsContext().getTlsCertificateSdsSecretConfigs(0);
        DiscoveryResponse given = EnvoyReader.read(
                        DIRECTORY.resolve("certificate.yaml"), DiscoveryResponse.newBuilder())
                .build();

        Secret secret = unpack(given.getResourcesList(), Secret.class);
        assertThat(secret.getName()).isEqualTo(asked.getName());
        assertThat(asked.getSdsConfig().getPathConfigSource().getPath()).endsWith("/certificate.yaml");
        assertThat(tls.getCommonTlsContext().getTlsParams().getTlsMinimumProtocolVersionValue())
                .isGreaterThanOrEqualTo(3); // TLS 1.2
        assertThat(manager("http")
                        .getRouteConfig()
                        .getVirtualHosts(0)
                        .getRoutes(0)
                        .getRedirect()
                        .getHttpsRedirect())
                .isTrue();
        assertThat(envoy.getAdmin().getAddress().getSocketAddress().getAddress())
                .isEqualTo("127.0.0.1");
    }

    /** As Envoy does: the first that matches. */
    private Route route(String path, String contentType) {
        return https.getRouteConfig().getVirtualHosts(0).getRoutesList().stream()
                .filter(route -> matches(route.getMatch(), path, contentType))
                .findFirst()
                .orElseThrow();
    }

    private static boolean matches(RouteMatch match, String path, String contentType) {
        boolean ofPath = switch (match.getPathSpecifierCase()) {
            case PATH -> path.equals(match.getPath());
            case PREFIX -> path.startsWith(match.getPrefix());
            case PATH_SEPARATED_PREFIX ->
                path.equals(match.getPathSeparatedPrefix()) || path.startsWith(match.getPathSeparatedPrefix() + "/");
            case SAFE_REGEX -> path.matches(match.getSafeRegex().getRegex());
            default -> throw new AssertionError("not known here: " + match);
        };
        return ofPath
                && match.getHeadersList().stream().allMatch(header -> {
                    assertThat(header.getName()).isEqualTo("content-type");
                    return contentType.startsWith(header.getStringMatch().getPrefix());
                });
    }

    private long most(Route route) throws IOException {
        Any own = route.getTypedPerFilterConfigMap().get("envoy.filters.http.buffer");
        return own == null
                ? filter(Buffer.class).getMaxRequestBytes().getValue()
                : own.unpack(BufferPerRoute.class)
                        .getBuffer()
                        .getMaxRequestBytes()
                        .getValue();
    }

    private <M extends com.google.protobuf.Message> M filter(Class<M> type) throws IOException {
        return unpack(
                https.getHttpFiltersList().stream()
                        .map(HttpFilter::getTypedConfig)
                        .toList(),
                type);
    }

    private static <M extends com.google.protobuf.Message> M unpack(Iterable<Any> all, Class<M> type)
            throws IOException {
        return EnvoyReader.unpack(all, type);
    }

    private Listener listener(String name) {
        return envoy.getStaticResources().getListenersList().stream()
                .filter(listener -> listener.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private HttpConnectionManager manager(String listener) throws IOException {
        return listener(listener)
                .getFilterChains(0)
                .getFilters(0)
                .getTypedConfig()
                .unpack(HttpConnectionManager.class);
    }

    private static String cell(LbEndpoint endpoint) {
        return endpoint.getMetadata()
                .getFilterMetadataOrThrow("envoy.lb")
                .getFieldsOrThrow("tenant")
                .getStringValue();
    }

    private static Map<?, ?> server() throws IOException {
        Map<String, Map<?, ?>> yaml = new Yaml().load(Files.readString(GATEWAY.resolve("resources/gateway.yml")));
        return requireNonNull(yaml.get("server"));
    }

    private static long seconds(String pattern, String source) {
        Matcher found = Pattern.compile(pattern).matcher(source);
        assertThat(found.find()).as(pattern).isTrue();
        return Long.parseLong(found.group(1));
    }
}
