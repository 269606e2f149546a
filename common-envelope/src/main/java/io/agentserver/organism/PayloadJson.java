package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Payloads as JSON and back: an object with one member, the root element. Members are child elements, arrays repeated ones,
 * {@code "@name"} is an attribute, {@code "@xmlns"} the namespace where it changes, {@code "#text"} the text beside
 * attributes or elements; all values come out as strings. Without state, safe on any thread, fetches nothing.
 */
public final class PayloadJson {

    private PayloadJson() {}

    /**
     * Writes a payload as XML. A declared type gives the order of the elements and the root's namespace; whether the payload
     * is valid is for {@link PayloadType#validate} to say. A member that is null is left out.
     */
    public static Written toXml(JsonNode payload, @Nullable PayloadType type) {
        return new JsonToXml(type).write(payload);
    }

    /**
     * Reads a payload's XML as JSON. With its type, a repeated field is an array also when it occurs once.
     *
     * @throws IllegalArgumentException if the text is not one well-formed element within the limits of an envelope: what
     *     comes from the log or the journal always is
     */
    public static JsonNode toJson(String payloadXml, @Nullable PayloadType type) {
        return new XmlToJson(type).read(payloadXml);
    }
}
