package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.Meta;
import io.agentserver.log.RecordHeaders;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.Spent;
import io.agentserver.pump.testing.Calls;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Envelopes in, envelopes out. */
class MessageFlowTest extends FlowFixture {
    @Test
    void an_agent_hands_over_and_the_tool_answers_the_client() {
        llm = _ -> new HandlerResult.Done(
                List.of(new HandlerOutput.HandOver(
                        "shouter", "<GreetingResponse><Message>Hi Ann</Message></GreetingResponse>")),
                Spent.NOTHING.and(new Spent.ModelCall("r1", 10, 5)));

        run(client(null, "<Greeting><Name>Ann</Name></Greeting>"));

        assertThat(journal.slots)
                .extracting(s -> s.getFrom() + ">" + s.getTo())
                .containsExactly("console>greeter", "greeter>shouter", "shouter>console");
        assertThat(last().getOutputs(0).getKind()).isEqualTo(Kind.RESPOND);
        assertThat(last().getOutputs(0).getThread()).isEqualTo(Calls.ROOT.toString());
        assertThat(last().getOutputs(0).getEnvelope()).contains("<Message>HI ANN</Message>");
        assertThat(last().getFailed()).isFalse();
        assertThat(journal.completed.getFirst().getReceiptsList()).containsExactly("r1");
        assertThat(journal.completed.getFirst().getTokens().getInput()).isEqualTo(10);
        assertThat(log).hasSize(1); // the root's response is for the journal alone
    }

    @Test
    void what_it_puts_on_the_log_is_signed_and_bound_to_cause_turn_and_version() {
        http = _ -> done(new HandlerOutput.Forward("left", "<Poll><Question>a</Question></Poll>"));

        step(client("service", "<Job><Text>x</Text></Job>"));

        LogRecord record = log.getFirst();
        Envelope output = EnvelopeDocument.readOwn(new String(record.value(), StandardCharsets.UTF_8));
        assertThat(tokens.verifyOnLog(output, LogReader.keys(keys, tenants)))
                .isEqualTo(new EnvelopeToken.Verification.Verified(DEMO, 1));
        assertThat(output.meta())
                .usingRecursiveComparison()
                .ignoringFields("jwt")
                .isEqualTo(Meta.ofOutput(
                        "service",
                        "left",
                        Calls.ROOT.child(Calls.MESSAGE.output(0)),
                        Calls.MESSAGE.output(0),
                        Calls.ROOT,
                        Calls.MESSAGE,
                        Calls.MESSAGE));
        assertThat(text(record, RecordHeaders.MESSAGE_ID))
                .isEqualTo(Calls.MESSAGE.output(0).toString());
        assertThat(MAC.verifies(record.headers().get(RecordHeaders.MAC), record.topic(), record.key(), record.value()))
                .isTrue();
        assertThat(new String(record.key(), StandardCharsets.UTF_8))
                .isEqualTo(output.meta().requiredThread().toString());
    }

    @Test
    void a_redelivered_message_puts_the_same_outputs_on_the_log_and_runs_nothing() {
        int[] runs = {0};
        http = _ -> {
            runs[0]++;
            return done(new HandlerOutput.Forward("left", "<Poll><Question>a</Question></Poll>"));
        };
        LogMessage message = client("service", "<Job><Text>x</Text></Job>");

        step(message);
        step(message);

        assertThat(runs[0]).isEqualTo(1);
        assertThat(log).hasSize(2);
        assertThat(text(log.get(1), RecordHeaders.MESSAGE_ID)).isEqualTo(text(log.get(0), RecordHeaders.MESSAGE_ID));
    }

    @Test
    void a_broadcast_ends_when_all_have_answered() {
        run(client(null, "<Poll><Question>Tea?</Question></Poll>"));

        assertThat(last().getOutputs(0).getEnvelope())
                .contains(
                        "<answers xmlns=\"\"><Poll><Question>Tea?</Question></Poll><Poll><Question>Tea?</Question></Poll></answers>");
        assertThat(last().getOutputs(0).getTo()).isEqualTo("console");
        assertThat(last().getFailed()).isFalse();
    }

    @Test
    void unknown_and_not_allowed_are_the_same_to_a_handler() {
        for (String to : List.of("right", "nobody", "core")) {
            TinyJournal fresh = new TinyJournal();
            fresh.openedAtMs = journal.openedAtMs;
            http = _ -> done(new HandlerOutput.Forward(to, "<Poll><Question>a</Question></Poll>"));
            handle(client("service", "<Job><Text>x</Text></Job>"), fresh);
            CompleteRequest request = fresh.completed.getLast();
            assertThat(request.getFailed()).isTrue();
            assertThat(request.getOutputs(0).getEnvelope())
                    .contains("<SystemError xmlns=\"\"><code>routing</code><message>no listener that can be reached");
        }
        assertThat(log).isEmpty();
    }
}
