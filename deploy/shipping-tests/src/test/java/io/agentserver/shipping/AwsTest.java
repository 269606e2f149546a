package io.agentserver.shipping;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

/** deploy/aws compared with what the services do; that its tables are theirs, a started platform tells (standalone's AllInOneIT). */
class AwsTest {
    private static final Map<String, Pattern> CALLS = new TreeMap<>(Map.ofEntries(
            Map.entry("dynamodb:DescribeTable", Pattern.compile("\\.describeTable\\(|waitUntilTableExists")),
            Map.entry("dynamodb:DescribeTimeToLive", Pattern.compile("\\.describeTimeToLive\\(")),
            Map.entry("dynamodb:BatchGetItem", Pattern.compile("\\.batchGetItem(Paginator)?\\(")),
            Map.entry("dynamodb:BatchWriteItem", Pattern.compile("\\.batchWriteItem\\(")),
            Map.entry("dynamodb:GetItem", Pattern.compile("\\.getItem\\(")),
            Map.entry("dynamodb:PutItem", Pattern.compile("\\.putItem\\(|\\bPut\\.builder\\(|\\.put\\(p ->")),
            Map.entry(
                    "dynamodb:UpdateItem", Pattern.compile("\\.updateItem\\(|\\bUpdate\\.builder\\(|\\.update\\(u ->")),
            Map.entry(
                    "dynamodb:DeleteItem", Pattern.compile("\\.deleteItem\\(|\\bDelete\\.builder\\(|\\.delete\\(d ->")),
            Map.entry(
                    "dynamodb:ConditionCheckItem", Pattern.compile("ConditionCheck\\.builder\\(|\\.conditionCheck\\(")),
            Map.entry("dynamodb:Query", Pattern.compile("\\.query\\(|\\.queryPaginator\\(")),
            Map.entry("dynamodb:Scan", Pattern.compile("\\.scan\\(|\\.scanPaginator\\("))));
    private static final Path TENANT_KEYS =
            Path.of("../../common-envelope/src/main/java/io/agentserver/sealing/DynamoTenantKeys.java");
    private static final Pattern NAMED = Pattern.compile("(?<=Ref=|Fn::GetAtt=\\[)[A-Za-z]+|(?<=\\$\\{)[A-Za-z:]+");

    private static Map<String, Object> template = Map.of();

    @BeforeAll
    static void read() throws IOException {
        template = new Yaml().load(Files.readString(Path.of("../aws/agentserver.yaml")));
    }

    /** Making, changing and dropping tables is the template's, so no role has it. */
    @ParameterizedTest
    @ValueSource(strings = {"gateway", "buffer", "billing"})
    void each_role_may_do_what_its_service_calls_and_no_more(String service) throws IOException {
        StringBuilder source = new StringBuilder();
        try (Stream<Path> files = Files.walk(Path.of("../../" + service + "-service/src/main/java"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String text = Files.readString(file);
                if (text.contains("awssdk.services.dynamodb")) {
                    source.append(text);
                }
            }
        }
        if (service.equals("gateway")) {
            source.append(Files.readString(TENANT_KEYS));
        }
        Set<String> allowed =
                allowed(service, Character.toUpperCase(service.charAt(0)) + service.substring(1) + "Role");
        assertThat(allowed).isEqualTo(called(source));
    }

    /** It uses one method of what is the gateway's for the rest. */
    @Test
    void the_router_may_find_a_data_key_and_no_more() throws IOException {
        String source = Files.readString(TENANT_KEYS);
        int find = source.indexOf("public Optional<TenantKey> find(");
        Set<String> allowed = allowed("llm-router", "LlmRouterRole");

        assertThat(allowed).isEqualTo(called(source.substring(find, source.indexOf("/**", find))));
        assertThat(allowed).containsExactly("dynamodb:GetItem");
        assertThat(String.valueOf(properties("LlmRouterRole").get("Policies")))
                .contains("Resource=[{Fn::GetAtt=[TenantKeys, Arn]}]");
    }

    private static Set<String> called(CharSequence source) {
        return CALLS.entrySet().stream()
                .filter(call -> call.getValue().matcher(source).find())
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> allowed(String service, String resource) {
        Map<String, Object> role = properties(resource);
        Set<String> allowed = new TreeSet<>();
        for (Map<String, Object> policy : list(role.get("Policies"))) {
            for (Map<String, Object> statement :
                    list(map(policy.get("PolicyDocument")).get("Statement"))) {
                ((List<?>) requireNonNull(statement.get("Action")))
                        .forEach(action -> allowed.add(String.valueOf(action)));
                assertThat(String.valueOf(statement.get("Resource"))).doesNotContain("*");
            }
        }
        assertThat(String.valueOf(role.get("AssumeRolePolicyDocument")))
                .contains("system:serviceaccount:${Namespace}:${Release}-" + service + "\"");
        assertThat(Chart.values("eks")).content().contains("role/agentserver-" + service + "\"");
        return allowed;
    }

    /** What is destroyed there must be gone; all others can be brought back. */
    @Test
    void every_table_but_that_of_the_data_keys_can_be_recovered() {
        assertThat(map(template.get("Resources")).entrySet())
                .filteredOn(resource ->
                        "AWS::DynamoDB::Table".equals(map(resource.getValue()).get("Type")))
                .hasSize(7)
                .allSatisfy(table -> assertThat(
                                map(map(table.getValue()).get("Properties")).get("PointInTimeRecoverySpecification"))
                        .as(table.getKey())
                        .isEqualTo(Map.of(
                                "PointInTimeRecoveryEnabled", !table.getKey().equals("TenantKeys"))));
    }

    /** What calls of S3 need, where there are versions too. */
    private static final Map<String, Set<String>> RIGHTS = Map.of(
            "PutObject", Set.of("PutObject"),
            "GetObjectAsBytes", Set.of("GetObject"),
            "ListObjectsV2", Set.of("ListBucket"),
            "ListObjectsV2Paginator", Set.of("ListBucket"),
            "HeadBucket", Set.of("ListBucket"),
            "ListObjectVersions", Set.of("ListBucketVersions"),
            "GetBucketVersioning", Set.of("GetBucketVersioning"),
            "DeleteObjects", Set.of("DeleteObject", "DeleteObjectVersion"));

    private static final String DELETIONS = "common-envelope/src/main/java/io/agentserver/service/aws/S3Deletions";

    private static final Set<String> OF_THE_BUCKET =
            Set.of("s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions");

    /** By the calls of S3 in these classes. */
    private static Set<String> rights(String... classes) throws IOException {
        Set<String> called = new TreeSet<>();
        for (String file : classes) {
            Matcher call = Pattern.compile("\\bs3\\s*\\.(?!close)([a-z])(\\w+)\\(")
                    .matcher(Files.readString(Path.of("../../" + file + ".java")));
            while (call.find()) {
                String name = call.group(1).toUpperCase(Locale.ROOT) + call.group(2);
                requireNonNull(RIGHTS.get(name), name).forEach(right -> called.add("s3:" + right));
            }
        }
        return called;
    }

    /** The role has it besides, where there is a bucket. */
    @Test
    void the_gateway_may_put_and_delete_static_files_and_no_more() throws IOException {
        String gateway = "gateway-service/src/main/java/io/agentserver/gateway/organism/";
        Set<String> called = rights(gateway + "S3Delivery", gateway + "CloudFrontAddresses", DELETIONS);
        Map<String, Object> policy = properties("StaticWriter");
        List<Map<String, Object>> statements =
                list(map(policy.get("PolicyDocument")).get("Statement"));

        assertThat(policy.get("RoleName")).isEqualTo(Map.of("Ref", "GatewayRole"));
        Map<String, String> resources = new TreeMap<>();
        for (Map<String, Object> statement : statements) {
            ((List<?>) requireNonNull(statement.get("Action")))
                    .forEach(
                            action -> resources.put(String.valueOf(action), String.valueOf(statement.get("Resource"))));
        }
        assertThat(resources.keySet()).containsExactlyElementsOf(called);
        assertThat(resources)
                .allSatisfy((right, on) -> assertThat(on)
                        .as(right)
                        .isEqualTo(
                                OF_THE_BUCKET.contains(right)
                                        ? "[{Fn::GetAtt=[StaticBucket, Arn]}]"
                                        : "[{Fn::Sub=${StaticBucket.Arn}/*}]"));
    }

    @Test
    void static_files_are_read_by_cloudfront_alone_and_by_a_signed_address_alone() {
        assertThat(map(properties("StaticBucket").get("PublicAccessBlockConfiguration")))
                .hasSize(4)
                .allSatisfy((block, on) -> assertThat(on).isEqualTo(true));
        assertThat(list(map(properties("StaticBucketPolicy").get("PolicyDocument"))
                        .get("Statement")))
                .filteredOn(statement -> "Allow".equals(statement.get("Effect")))
                .singleElement()
                .satisfies(statement -> {
                    assertThat(statement.get("Principal")).isEqualTo(Map.of("Service", "cloudfront.amazonaws.com"));
                    assertThat(String.valueOf(statement.get("Condition")))
                            .contains("distribution/${StaticDistribution}");
                });
        Map<String, Object> distribution = map(properties("StaticDistribution").get("DistributionConfig"));
        Map<String, Object> behavior = map(distribution.get("DefaultCacheBehavior"));
        assertThat(behavior)
                .containsEntry("ViewerProtocolPolicy", "https-only")
                .containsEntry("AllowedMethods", List.of("GET", "HEAD"))
                .containsEntry("TrustedKeyGroups", List.of(Map.of("Ref", "StaticKeys")))
                .containsEntry("CachePolicyId", Map.of("Ref", "StaticCache"));
        assertThat(list(distribution.get("Origins")))
                .singleElement()
                .satisfies(origin -> assertThat(origin)
                        .containsEntry("Id", behavior.get("TargetOriginId"))
                        .containsEntry("OriginAccessControlId", Map.of("Fn::GetAtt", List.of("StaticAccess", "Id"))));
        // what is private is kept no shorter than the least time; and what is deleted no longer than the longest
        assertThat(map(properties("StaticCache").get("CachePolicyConfig")))
                .containsEntry("MinTTL", 86_400)
                .containsEntry("MaxTTL", 86_400);
    }

    /** Whoever gives no key gets nothing of it; whatever belongs to it goes by the same condition. */
    @Test
    void static_files_and_a_backup_are_a_choice() {
        assertThat(map(template.get("Resources")))
                .allSatisfy((name, resource) ->
                        assertThat(map(resource).get("Condition")).as(name).isEqualTo(condition(name)));
        assertThat(map(template.get("Outputs")))
                .allSatisfy((name, output) ->
                        assertThat(map(output).get("Condition")).as(name).isEqualTo(condition(name)));
    }

    private static @Nullable String condition(String name) {
        if (name.startsWith("Backup")) {
            return "HasBackup";
        }
        return name.startsWith("Static") ? "HasStatic" : null;
    }

    @Test
    void the_buffer_may_do_with_the_backup_what_it_calls_and_no_more() throws IOException {
        Set<String> called =
                rights("buffer-service/src/main/java/io/agentserver/buffer/backup/s3/S3BackupBucket", DELETIONS);
        Map<String, Object> policy = properties("BackupWriter");
        assertThat(policy.get("RoleName")).isEqualTo(Map.of("Ref", "BufferRole"));
        Set<String> allowed = new TreeSet<>();
        list(map(policy.get("PolicyDocument")).get("Statement"))
                .forEach(statement -> ((List<?>) requireNonNull(statement.get("Action")))
                        .forEach(action -> allowed.add(String.valueOf(action))));
        assertThat(allowed).isEqualTo(called);
    }

    /** Whoever reads the guide and not the template makes these by hand, or looks for them. */
    @Test
    void the_guide_names_the_template_s_tables() throws IOException {
        Set<String> tables = map(template.get("Resources")).values().stream()
                .filter(resource -> "AWS::DynamoDB::Table".equals(map(resource).get("Type")))
                .map(table -> String.valueOf(map(map(table).get("Properties")).get("TableName")))
                .collect(Collectors.toCollection(TreeSet::new));

        Matcher named = Pattern.compile("on demand, named ((?:`[\\w-]+`(?:, )?)+)")
                .matcher(Files.readString(Path.of("../../docs/install-eks.md")));

        assertThat(named.find()).isTrue();
        assertThat(Pattern.compile("[\\w-]+").matcher(named.group(1)).results().map(MatchResult::group))
                .containsExactlyInAnyOrderElementsOf(tables);
        assertThat(Files.readString(Path.of("../../docs/install-eks.md")))
                .as("the one place with the policies")
                .doesNotContain("dynamodb:");
    }

    @Test
    void every_name_is_one_that_is_there() {
        Set<String> known = new TreeSet<>(map(template.get("Resources")).keySet());
        known.addAll(map(template.get("Parameters")).keySet());
        known.addAll(Set.of("AWS::Partition", "AWS::AccountId"));

        assertThat(NAMED.matcher(template.toString())
                        .results()
                        .map(found -> found.group())
                        .collect(Collectors.toSet()))
                .hasSizeGreaterThan(8)
                .isSubsetOf(known);
    }

    @Test
    void nothing_of_the_tables_goes_with_the_stack() {
        assertThat(map(template.get("Resources")).values())
                .filteredOn(
                        resource -> "AWS::DynamoDB::Table".equals(map(resource).get("Type")))
                .hasSize(7)
                .allSatisfy(table -> {
                    assertThat(map(table))
                            .containsEntry("DeletionPolicy", "Retain")
                            .containsEntry("UpdateReplacePolicy", "Retain");
                    assertThat(map(map(table).get("Properties"))).containsEntry("DeletionProtectionEnabled", true);
                });
    }

    private static Map<String, Object> properties(String resource) {
        return map(map(map(template.get("Resources")).get(resource)).get("Properties"));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(@Nullable Object value) {
        return (Map<String, Object>) requireNonNull(value);
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> list(@Nullable Object value) {
        return (List<Map<String, Object>>) requireNonNull(value);
    }
}
