package io.agentserver.standalone;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.ThreadId;
import io.agentserver.envelope.XmlLimits;
import io.agentserver.gateway.organism.Organisms;
import io.agentserver.organism.Organism;
import io.agentserver.organism.OrganismParser;
import io.agentserver.organism.Parsed;
import io.agentserver.organism.Route;
import io.agentserver.pump.handler.Handlers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** Every example's organism is taken by the gateway's parser, and every message beside it is valid there. */
class ExamplesTest {
    private static final Path EXAMPLES = Path.of("../../examples");

    static List<Path> examples() throws IOException {
        try (Stream<Path> entries = Files.list(EXAMPLES)) {
            return entries.filter(Files::isDirectory).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("examples")
    void an_example_s_messages_fit_its_organism(Path example) throws IOException {
        Organism organism = organism(example);
        List<Path> messages = messages(example);
        assertThat(messages).as("messages of " + example).isNotEmpty();
        for (Path message : messages) {
            Envelope envelope = read(message);
            Route route = organism.route(
                    envelope.meta().to(),
                    envelope.root().name(),
                    envelope.root().namespace());
            assertThat(route).as(message + " goes to one listener").isInstanceOf(Route.One.class);
            assertThat(((Route.One) route).listener().payload().validate(envelope.payload()))
                    .as("problems of " + message)
                    .isEmpty();
        }
    }

    @Test
    void the_first_example_is_there() throws IOException {
        assertThat(examples()).contains(EXAMPLES.resolve("hello-world"));
    }

    @Test
    void what_the_gateway_lets_an_organism_name_the_pump_has() {
        assertThat(Organisms.BUILTINS).isEqualTo(Handlers.builtinNames());
    }

    private static Organism organism(Path example) throws IOException {
        String yaml = Files.readString(example.resolve("organism.yaml"));
        return switch (new OrganismParser(Organisms.BUILTINS, Set.of()).parse(yaml)) {
            case Parsed.Valid(Organism organism) -> organism;
            case Parsed.Invalid invalid -> throw new AssertionError(example + ": " + invalid.errors());
        };
    }

    private static List<Path> messages(Path example) throws IOException {
        try (Stream<Path> files = Files.list(example)) {
            return files.filter(file -> file.toString().endsWith(".xml")).toList();
        }
    }

    private static Envelope read(Path message) throws IOException {
        Reading reading = EnvelopeDocument.read(Files.readAllBytes(message), XmlLimits.DEFAULT);
        assertThat(reading).as(message.toString()).isInstanceOf(Reading.Read.class);
        EnvelopeDocument document = ((Reading.Read) reading).document();
        MessageId id = MessageId.create();
        document.fill(new ThreadId(id.value()), id);
        return document.toEnvelope();
    }
}
