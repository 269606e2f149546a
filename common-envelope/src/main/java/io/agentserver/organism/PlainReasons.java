package io.agentserver.organism;

import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Says in plain words what the JDK's validator means. In: its message, {@code cvc-<rule>: <text>}, where the rules are those
 * of XML Schema Part 1, appendix C. Out: our own sentence; of the validator's text only names, numbers and listed values
 * that come from the schema are taken over, and none where its language is not English.
 */
final class PlainReasons {

    private static final Pattern EXPECTED =
            Pattern.compile(".*One of '\\{(.{1,400}?)\\}' is expected.*", Pattern.DOTALL);
    private static final Pattern BOUND =
            Pattern.compile(".* with respect to \\w+ '([-+0-9.:TZ]{1,40})'.*", Pattern.DOTALL);
    private static final Pattern TYPE = Pattern.compile(".* for '([A-Za-z]{1,40})'.*", Pattern.DOTALL);
    private static final Pattern CHOICES = Pattern.compile(".* enumeration '\\[(.{1,400}?)\\]'.*", Pattern.DOTALL);
    private static final Pattern ATTRIBUTE = Pattern.compile(".*?Attribute '([^'\\s]{1,128})'.*", Pattern.DOTALL);

    private PlainReasons() {}

    static String of(String message) {
        int colon = message.indexOf(':');
        String rule = colon < 0 ? "" : message.substring(0, colon);
        return switch (rule) {
            case "cvc-complex-type.2.1" -> "must be empty";
            case "cvc-complex-type.2.2" -> "must contain text only, no elements";
            case "cvc-complex-type.2.3" -> "must contain elements only, no text between them";
            case "cvc-complex-type.2.4.a" -> "is not expected here" + expected("; expected: ", message);
            case "cvc-complex-type.2.4.b" -> "is incomplete" + expected("; missing: ", message);
            case "cvc-complex-type.2.4.d" -> "is not expected here; nothing may follow";
            case "cvc-complex-type.3.2.1", "cvc-complex-type.3.2.2" ->
                "has an attribute that is not allowed" + attribute(message);
            case "cvc-complex-type.4" -> "lacks a required attribute" + attribute(message);
            case "cvc-datatype-valid.1.2.1", "cvc-datatype-valid.1.2.2", "cvc-datatype-valid.1.2.3" ->
                "is not a valid value" + type(message);
            case "cvc-minLength-valid" -> "is too short" + bound("; the least length is ", message);
            case "cvc-maxLength-valid" -> "is too long" + bound("; the greatest length is ", message);
            case "cvc-length-valid" -> "has not the right length" + bound(", which is ", message);
            case "cvc-minInclusive-valid" -> "is too small" + bound("; the least value is ", message);
            case "cvc-maxInclusive-valid" -> "is too large" + bound("; the greatest value is ", message);
            case "cvc-minExclusive-valid" -> "is too small" + bound("; it must be over ", message);
            case "cvc-maxExclusive-valid" -> "is too large" + bound("; it must be under ", message);
            case "cvc-totalDigits-valid", "cvc-fractionDigits-valid" -> "has too many digits";
            case "cvc-enumeration-valid" -> "is none of the allowed values" + choices(message);
            case "cvc-pattern-valid" -> "does not match the pattern that the schema asks for";
            case "cvc-elt.1", "cvc-elt.1.a" -> "is not declared by the schema";
            case "cvc-elt.2", "cvc-type.2" -> "is abstract and cannot be used itself";
            case "cvc-elt.3.1" -> "may not be nil";
            case "cvc-elt.5.2.2.2.1", "cvc-elt.5.2.2.2.2", "cvc-attribute.4" -> "has not the fixed value of the schema";
            case "cvc-id.1", "cvc-id.2", "cvc-id.3" -> "has a broken ID or reference to one";
            case "cvc-type.3.1.1" -> "may have no attributes";
            case "cvc-type.3.1.2" -> "must contain text only, no elements";
            default -> byFamily(rule);
        };
    }

    private static String byFamily(String rule) {
        if (rule.startsWith("cvc-complex-type.2.4.")) {
            return "does not occur as often, or in the order, that the schema asks for";
        }
        if (rule.startsWith("cvc-identity-constraint") || rule.startsWith("cvc-keyref")) {
            return "breaks a key of the schema: missing, or not unique";
        }
        return "does not fit the schema";
    }

    private static String expected(String lead, String message) {
        Matcher matcher = EXPECTED.matcher(message);
        if (!matcher.matches()) {
            return "";
        }
        return lead
                + Arrays.stream(matcher.group(1).split(", ", -1))
                        .map(name -> name.startsWith("\"") ? name.substring(name.lastIndexOf(':') + 1) : name)
                        .map(name -> "<" + name + ">")
                        .collect(Collectors.joining(" or "));
    }

    private static String bound(String lead, String message) {
        Matcher matcher = BOUND.matcher(message);
        return matcher.matches() ? lead + matcher.group(1) : "";
    }

    private static String type(String message) {
        Matcher matcher = TYPE.matcher(message);
        return matcher.matches() ? " of the type " + matcher.group(1) : "";
    }

    private static String choices(String message) {
        Matcher matcher = CHOICES.matcher(message);
        return matcher.matches() ? ": " + matcher.group(1) : "";
    }

    private static String attribute(String message) {
        Matcher matcher = ATTRIBUTE.matcher(message);
        return matcher.matches() ? ": " + matcher.group(1) : "";
    }
}
