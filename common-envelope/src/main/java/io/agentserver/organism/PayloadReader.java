package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** Reads {@code payload} and {@code response}: {@code {root, fields}} or {@code {xsd, root?}}. */
final class PayloadReader {

    private static final String RESERVED_NAMESPACES = "https://xml-pipeline.org/ns/";
    private static final int LONGEST_DOC = 1000;
    private static final String NAME_REMEDY =
            "write a letter, then letters, digits, '.', '_', '-', " + XmlNames.LONGEST + " at most";
    private static final String TYPES =
            Arrays.stream(FieldType.values()).map(FieldType::label).collect(Collectors.joining(", "));

    private final Errors errors;
    private final SchemaBudget budget = new SchemaBudget();

    /** An XSD that several listeners share by an alias is compiled once. */
    private final Map<OwnXsd, XsdReading> read = new HashMap<>();

    PayloadReader(Errors errors) {
        this.errors = errors;
    }

    private record OwnXsd(String xsd, @Nullable String root) {}

    /** Null if the key is missing or, with errors, if it is not right. */
    @Nullable
    PayloadType read(YamlMap listener, String key) {
        YamlMap map = listener.map(key);
        if (map == null) {
            return null;
        }
        String root = map.text("root", XmlNames.LONGEST);
        String xsd = map.text("xsd", XsdReader.MOST_BYTES);
        YamlMap fields = map.map("fields");
        map.finish();
        if (map.has("xsd") == map.has("fields")) {
            errors.add(
                    map.node(),
                    map.where() + " needs either fields or xsd",
                    "write {root: Greeting, fields: {Name: string}} or {xsd: \"<xs:schema …>\"}");
            return null;
        }
        if (fields != null) {
            return declared(map, root, fields);
        }
        return xsd == null || (map.has("root") && root == null) ? null : own(map, xsd, root);
    }

    private @Nullable PayloadType declared(YamlMap map, @Nullable String root, YamlMap fields) {
        int before = errors.count();
        if (root == null && !map.has("root")) {
            errors.add(map.node(), map.where() + ": root is missing", "name the payload's root element");
        }
        if (root != null && !XmlNames.isName(root)) {
            map.error("root", "'" + root + "' is no element name", NAME_REMEDY);
        }
        if ("SystemError".equals(root)) {
            map.error("root", "'SystemError' is the platform's own", "choose another name");
        }
        if (fields.keys().size() > PayloadType.MOST_FIELDS) {
            map.error("fields", "has " + fields.keys().size() + " fields", "keep to " + PayloadType.MOST_FIELDS);
            return null;
        }
        List<Field> declared = new ArrayList<>();
        for (String name : fields.keys()) {
            Field field = field(fields, name);
            if (field != null) {
                declared.add(field);
            }
        }
        if (errors.count() > before || root == null) {
            return null;
        }
        PayloadType type = PayloadType.ofFields(root, declared);
        if (!budget.takeText(type.xsd())) {
            errors.add(
                    map.node(),
                    map.where() + ": the organism's schemas are too large together",
                    "write shorter docs, or fewer fields");
            return null;
        }
        return type;
    }

    private @Nullable Field field(YamlMap fields, String name) {
        Node value = Objects.requireNonNull(fields.raw(name));
        if (!XmlNames.isName(name)) {
            errors.add(value, fields.where() + ": '" + name + "' is no element name", NAME_REMEDY);
            return null;
        }
        if (value instanceof ScalarNode) {
            FieldType type = type(fields, name, fields.text(name, 100));
            return type == null ? null : Field.of(name, type);
        }
        YamlMap map = fields.map(name);
        if (map == null) {
            return null;
        }
        int before = errors.count();
        FieldType type = type(map, "type", map.required("type", 100, "write one of " + TYPES));
        String doc = Objects.requireNonNullElse(map.text("doc", LONGEST_DOC), "");
        BigDecimal min = map.decimal("min");
        BigDecimal max = map.decimal("max");
        boolean optional = map.flag("optional");
        boolean repeated = map.flag("repeated");
        map.finish();
        if (type == null || errors.count() > before) {
            return null;
        }
        try {
            return new Field(name, type, doc, min, max, optional, repeated);
        } catch (IllegalArgumentException e) {
            // the record's own rules: "<what is wrong>; <what to do>"
            String[] parts = Objects.requireNonNullElse(e.getMessage(), "is not right; correct it")
                    .split("; ", 2);
            errors.add(map.node(), map.where() + ": " + parts[0], parts.length > 1 ? parts[1] : "correct it");
            return null;
        }
    }

    private @Nullable FieldType type(YamlMap map, String key, @Nullable String label) {
        FieldType type = label == null ? null : FieldType.labelled(label).orElse(null);
        if (label != null && type == null) {
            map.error(key, "has the unknown type '" + label + "'", "write one of " + TYPES);
        }
        return type;
    }

    private @Nullable PayloadType own(YamlMap map, String xsd, @Nullable String root) {
        return switch (read.computeIfAbsent(new OwnXsd(xsd, root), key -> XsdReader.read(xsd, root, budget))) {
            case XsdReading.Usable usable -> {
                PayloadType type = usable.type();
                if (type.namespace().startsWith(RESERVED_NAMESPACES) || type.hasRoot("SystemError", "")) {
                    map.error(
                            "xsd",
                            "declares " + type.rootText() + ", which is the platform's own",
                            "choose another name");
                    yield null;
                }
                yield type;
            }
            case XsdReading.Refused refused -> {
                for (XsdReading.Flaw flaw : refused.flaws()) {
                    errors.add(line(map.at("xsd"), flaw.line()), map.where() + ": " + flaw.reason(), flaw.remedy());
                }
                yield null;
            }
        };
    }

    /** The lines of a literal block ({@code xsd: |}) begin below the key; other texts have one line. */
    private static int line(Node xsd, int lineOfSchema) {
        boolean literal = xsd instanceof ScalarNode scalar && scalar.getScalarStyle() == ScalarStyle.LITERAL;
        return Errors.line(xsd) + (literal ? lineOfSchema : 0);
    }
}
