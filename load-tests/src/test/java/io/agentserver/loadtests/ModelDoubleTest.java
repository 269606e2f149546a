package io.agentserver.loadtests;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** The meters of gateways, against the model without a gateway between. */
class ModelDoubleTest {
    private static final ModelDouble.Pace AT_ONCE = new ModelDouble.Pace(Duration.ZERO, Duration.ZERO, 7);

    @Test
    void answers_whole_calls_on_connections_that_are_kept() throws IOException {
        try (ModelDouble model = ModelDouble.start(0, AT_ONCE);
                ChatCalls calls = new ChatCalls(URI.create(model.url()), Map.of(), ChatCalls.different("m"))) {
            Measured measured = new Load(calls).closedLoop(4, 100);

            assertThat(measured.errors()).isEmpty();
            assertThat(measured.answered()).isEqualTo(100);
            assertThat(model.calls()).isEqualTo(100);
        }
    }

    @Test
    void streams_as_many_words_as_it_was_told() throws IOException {
        try (ModelDouble model = ModelDouble.start(0, new ModelDouble.Pace(Duration.ZERO, Duration.ofMillis(1), 7))) {
            ChatStreams.Result result =
                    new ChatStreams(URI.create(model.url()), Map.of(), "m").run(20, Duration.ofMillis(10));

            assertThat(result.complete()).isEqualTo(20);
            assertThat(result.failed()).isZero();
            assertThat(result.chunks()).isEqualTo(20 * 7);
            assertThat(result.firsts().getTotalCount()).isEqualTo(20);
        }
    }

    @Test
    void a_stream_without_its_end_has_failed() throws IOException {
        try (ModelDouble gone = ModelDouble.start(0, AT_ONCE)) {
            URI url = URI.create(gone.url());
            gone.close();
            ChatStreams.Result result = new ChatStreams(url, Map.of(), "m").run(2, Duration.ofMillis(1));

            assertThat(result.failed()).isEqualTo(2);
            assertThat(result.complete()).isZero();
        }
    }
}
