package io.agentserver.organism;

import java.util.Locale;
import java.util.Optional;

/** The types of a declared field and the XSD types that they stand for. */
public enum FieldType {
    STRING("xs:string"),
    INT("xs:int"),
    LONG("xs:long"),
    DECIMAL("xs:decimal"),
    BOOLEAN("xs:boolean"),
    DATE("xs:date"),
    DATETIME("xs:dateTime");

    private final String xsd;

    FieldType(String xsd) {
        this.xsd = xsd;
    }

    /** The name in organism.yaml: {@code string}, {@code int}, … */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    public String xsd() {
        return xsd;
    }

    /** Whether {@code min} and {@code max} bound the value. */
    boolean isNumber() {
        return this == INT || this == LONG || this == DECIMAL;
    }

    static Optional<FieldType> labelled(String label) {
        for (FieldType type : values()) {
            if (type.label().equals(label)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
