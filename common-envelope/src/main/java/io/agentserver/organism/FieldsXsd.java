package io.agentserver.organism;

import org.jspecify.annotations.Nullable;

import java.math.BigDecimal;
import java.util.List;

/** Writes the XSD and the example of a payload that is declared by fields. */
final class FieldsXsd {

    /** A string's least length may be that of a whole envelope; an organism has thousands of fields. */
    private static final int LONGEST_EXAMPLE = 16 * 1024;

    private FieldsXsd() {}

    static String text(String root, List<Field> fields) {
        StringBuilder out = new StringBuilder(512);
        out.append("<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n");
        out.append("  <xs:element name=\"").append(root).append("\">\n");
        out.append("    <xs:complexType>\n      <xs:sequence>\n");
        fields.forEach(field -> element(field, out));
        out.append("      </xs:sequence>\n    </xs:complexType>\n  </xs:element>\n</xs:schema>\n");
        return out.toString();
    }

    private static void element(Field field, StringBuilder out) {
        boolean bounded = field.min() != null || field.max() != null;
        boolean simple = !bounded && field.doc().isEmpty();
        out.append("        <xs:element name=\"").append(field.name()).append('"');
        if (!bounded) {
            out.append(" type=\"").append(field.type().xsd()).append('"');
        }
        if (field.optional()) {
            out.append(" minOccurs=\"0\"");
        }
        if (field.repeated()) {
            out.append(" maxOccurs=\"unbounded\"");
        }
        if (simple) {
            out.append("/>\n");
            return;
        }
        out.append(">\n");
        if (!field.doc().isEmpty()) {
            out.append("          <xs:annotation><xs:documentation>")
                    .append(XmlNames.escaped(field.doc()))
                    .append("</xs:documentation></xs:annotation>\n");
        }
        if (bounded) {
            restriction(field, out);
        }
        out.append("        </xs:element>\n");
    }

    private static void restriction(Field field, StringBuilder out) {
        boolean length = field.type() == FieldType.STRING;
        out.append("          <xs:simpleType>\n            <xs:restriction base=\"")
                .append(field.type().xsd())
                .append("\">\n");
        facet(length ? "minLength" : "minInclusive", field.min(), out);
        facet(length ? "maxLength" : "maxInclusive", field.max(), out);
        out.append("            </xs:restriction>\n          </xs:simpleType>\n");
    }

    private static void facet(String name, @Nullable BigDecimal value, StringBuilder out) {
        if (value == null) {
            return;
        }
        // 5.0 is a whole number in YAML, not in XSD
        BigDecimal plain = value.stripTrailingZeros();
        out.append("              <xs:")
                .append(name)
                .append(" value=\"")
                .append(plain.toPlainString())
                .append("\"/>\n");
    }

    /** Each field once, also the optional ones; the empty root if that would be too long. */
    static String example(String root, List<Field> fields) {
        StringBuilder out = new StringBuilder(256);
        out.append('<').append(root).append('>');
        for (Field field : fields) {
            BigDecimal least = field.type() == FieldType.STRING ? field.min() : null;
            if (out.length() + (least == null ? 0 : least.intValueExact()) > LONGEST_EXAMPLE) {
                return "<" + root + "/>";
            }
            out.append('<').append(field.name()).append('>');
            out.append(field.sample());
            out.append("</").append(field.name()).append('>');
        }
        return out.append("</").append(root).append('>').toString();
    }
}
