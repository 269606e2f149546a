package io.agentserver.organism;

/**
 * Why a payload does not fit its type, in plain words that may be shown to clients and models.
 *
 * @param pointer the element, like {@code /Greeting/Name} or {@code /Order/Item[2]}
 */
public record Problem(String pointer, String reason) {}
