package io.agentserver.router;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** OpenAI's public description of its API, where the machine has it; else a test is skipped with a clear word. */
final class OpenAiDescription {
    private OpenAiDescription() {}

    static JsonNode schemas() throws IOException {
        Path description = Path.of(System.getProperty(
                "openai.openapi",
                Path.of("..", "..", "shared", "data", "openai", "openapi.json").toString()));
        assumeTrue(
                Files.isReadable(description),
                "OpenAI's openapi.json is not at " + description + ": name it with -Dopenai.openapi=<file>");
        return Json.read(Files.readAllBytes(description)).at("/components/schemas");
    }
}
