package io.agentserver.organism;

import org.jspecify.annotations.Nullable;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import javax.xml.validation.Schema;
import javax.xml.validation.ValidatorHandler;

/**
 * What a listener takes or answers: one root element, declared by fields or by an XSD of the tenant's own. Immutable, equal
 * by its XSD and root; validation is safe on any thread and never fetches anything.
 */
public final class PayloadType {

    static final int MOST_FIELDS = 256;
    private static final int MOST_IDLE_VALIDATORS = 16;

    private final String root;
    private final String namespace;
    private final boolean childrenQualified;
    private final List<Field> fields;
    private final boolean declaredByFields;
    private final String xsd;
    private final String example;
    private final ValueCost values;

    /** Made when first needed: a directory holds far more declared types than a pod ever validates. */
    private volatile @Nullable Schema schema;

    private final Queue<ValidatorHandler> idleValidators = new ArrayBlockingQueue<>(MOST_IDLE_VALIDATORS);

    /** A type declared by fields. Its elements have no namespace; they stand in the order of the fields. */
    public static PayloadType ofFields(String root, List<Field> fields) {
        if (!XmlNames.isName(root)) {
            throw new IllegalArgumentException(
                    "'" + root + "' is no XML name; use letters, digits, '.', '_', '-', 128 at most");
        }
        Set<String> names = new HashSet<>();
        for (Field field : fields) {
            if (!names.add(field.name())) {
                throw new IllegalArgumentException("field '" + field.name() + "' occurs twice; rename one");
            }
        }
        return new PayloadType(
                root,
                "",
                false,
                List.copyOf(fields),
                true,
                FieldsXsd.text(root, fields),
                FieldsXsd.example(root, fields),
                ValueCost.NONE,
                null);
    }

    /** A type from an XSD that {@link XsdReader} has checked and compiled. */
    static PayloadType ofXsd(
            String root,
            String namespace,
            boolean childrenQualified,
            String xsd,
            String example,
            ValueCost values,
            Schema schema) {
        return new PayloadType(root, namespace, childrenQualified, List.of(), false, xsd, example, values, schema);
    }

    private PayloadType(
            String root,
            String namespace,
            boolean childrenQualified,
            List<Field> fields,
            boolean declaredByFields,
            String xsd,
            String example,
            ValueCost values,
            @Nullable Schema schema) {
        this.root = root;
        this.namespace = namespace;
        this.childrenQualified = childrenQualified;
        this.fields = fields;
        this.declaredByFields = declaredByFields;
        this.xsd = xsd;
        this.example = example;
        this.values = values;
        this.schema = schema;
    }

    /** The root element's local name. */
    public String root() {
        return root;
    }

    /** The root element's namespace; empty for none. */
    public String namespace() {
        return namespace;
    }

    public boolean hasRoot(String localName, String namespace) {
        return root.equals(localName) && this.namespace.equals(namespace);
    }

    /** The declared fields in their order; empty for an XSD of the tenant's own. */
    public List<Field> fields() {
        return fields;
    }

    public Optional<Field> field(String name) {
        return fields.stream().filter(field -> field.name().equals(name)).findFirst();
    }

    /** Whether it was declared by fields, and not by an XSD. */
    public boolean declaredByFields() {
        return declaredByFields;
    }

    /** The XSD, as written by the tenant or made from the fields. */
    public String xsd() {
        return xsd;
    }

    /**
     * A small instance for prompts: text is {@code …}, other values are plain ones. It is valid, except that of an XSD too
     * intricate to make one for, or of fields that must be longer than an example may be (16 Ki characters), where it is the
     * empty root element.
     */
    public String example() {
        return example;
    }

    /** A validator that no other thread uses; to make one costs more than to use it. */
    ValidatorHandler takeValidator() {
        ValidatorHandler idle = idleValidators.poll();
        if (idle != null) {
            return idle;
        }
        ValidatorHandler made = schema().newValidatorHandler();
        made.setResourceResolver(XsdCompiler.FETCHES_NOTHING);
        return made;
    }

    void giveBack(ValidatorHandler validator) {
        idleValidators.offer(validator); // one more than there is room for is forgotten
    }

    /**
     * Checks a payload. The problems come in the order of the document, one an element, 20 at most; none: it is valid.
     * Anything that is not one well-formed element is a problem too, never an exception.
     */
    public List<Problem> validate(String payloadXml) {
        return new PayloadCheck(this).run(payloadXml);
    }

    /** The compiled schema, for validators of one's own; it fetches nothing. */
    public Schema schema() {
        Schema compiled = schema;
        if (compiled == null) {
            // two threads may both compile: either result will do
            compiled = XsdCompiler.compileOwn(xsd);
            schema = compiled;
        }
        return compiled;
    }

    /** What the values of a payload can cost its patterns, unions and keys. */
    ValueCost values() {
        return values;
    }

    /** The namespace of the root's children, unless they say otherwise. */
    String childNamespace() {
        return childrenQualified ? namespace : "";
    }

    /** The root for people: {@code <Greeting>} or {@code <{urn:a}Greeting>}. */
    String rootText() {
        return rootText(root, namespace);
    }

    static String rootText(String localName, String namespace) {
        return namespace.isEmpty() ? "<" + localName + ">" : "<{" + namespace + "}" + localName + ">";
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof PayloadType that
                && root.equals(that.root)
                && namespace.equals(that.namespace)
                && xsd.equals(that.xsd);
    }

    @Override
    public int hashCode() {
        return 31 * root.hashCode() + xsd.hashCode();
    }

    @Override
    public String toString() {
        return "PayloadType[" + rootText() + "]";
    }
}
