package io.agentserver.organism;

import java.net.URI;

/** Who does a listener's work. */
public sealed interface Handler {

    /** A model, by way of the LLM router. */
    record Llm(String prompt, String model) implements Handler {}

    /** A service of the tenant's own. The secret ({@code whsec_…}) signs by Standard Webhooks and is never printed. */
    record Http(URI url, String secret) implements Handler {
        @Override
        public String toString() {
            return "Http[url=" + url + ", secret=…]";
        }
    }

    /** A tool of the platform, {@code builtin:<name>}. */
    record Builtin(String name) implements Handler {}

    /** A handler written in Java that the pump was started with, {@code java:<name>}. */
    record Java(String name) implements Handler {}
}
