package io.agentserver.standalone;

import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The tables of deploy/aws, as a reader of CloudFormation has them. */
final class AwsTemplate {
    private static final Path FILE = Path.of("../aws/agentserver.yaml");

    private AwsTemplate() {}

    static Map<String, StoreViews.Table> tables() throws IOException {
        Map<String, Object> template = new Yaml().load(Files.readString(FILE));
        Map<String, StoreViews.Table> tables = new TreeMap<>();
        map(template.get("Resources")).values().forEach(resource -> {
            if ("AWS::DynamoDB::Table".equals(map(resource).get("Type"))) {
                Map<String, Object> table = map(map(resource).get("Properties"));
                tables.put(text(table.get("TableName")), table(table));
            }
        });
        return tables;
    }

    private static StoreViews.Table table(Map<String, Object> table) {
        Map<String, String> attributes = new TreeMap<>();
        list(table.get("AttributeDefinitions"))
                .forEach(a -> attributes.put(text(a.get("AttributeName")), text(a.get("AttributeType"))));
        Map<String, StoreViews.Table.Index> indexes = new TreeMap<>();
        list(table.get("GlobalSecondaryIndexes"))
                .forEach(index -> indexes.put(
                        text(index.get("IndexName")),
                        new StoreViews.Table.Index(
                                keys(index), text(map(index.get("Projection")).get("ProjectionType")))));
        Object expires = map(table.get("TimeToLiveSpecification")).get("AttributeName");
        return new StoreViews.Table(keys(table), attributes, indexes, expires == null ? "" : text(expires));
    }

    private static Map<String, String> keys(Map<String, Object> of) {
        Map<String, String> keys = new TreeMap<>();
        list(of.get("KeySchema")).forEach(key -> keys.put(text(key.get("KeyType")), text(key.get("AttributeName"))));
        return keys;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(@Nullable Object value) {
        return value == null ? Map.of() : (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> list(@Nullable Object value) {
        return value == null ? List.of() : (List<Map<String, Object>>) value;
    }

    private static String text(@Nullable Object value) {
        return String.valueOf(value);
    }
}
