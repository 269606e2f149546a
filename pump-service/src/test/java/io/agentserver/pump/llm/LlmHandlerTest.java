package io.agentserver.pump.llm;

import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.organism.Organism;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.SystemErrors;
import io.agentserver.pump.llm.Llm.Answer;
import io.agentserver.pump.llm.Llm.ChatMessage;
import io.agentserver.pump.llm.Llm.Role;
import io.agentserver.pump.testing.Calls;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

class LlmHandlerTest {
    private static final Organism HELLO = Calls.organism(Calls.HELLO);
    private static final Organism TEAM = Calls.organism("""
            organism: {name: team}
            listeners:
              - name: lead
                description: Leads.
                agent: true
                handler: llm
                prompt: Lead.
                payload: {root: Task, fields: {Text: string}}
                peers: [sum]
                history: {slots: 10, tokens: 60}
              - {name: sum, description: Sums & more., handler: 'builtin:calculate', payload: {root: Sum, fields: {Expression: string}}}
            """);

    private static final UUID ONCE = Ids.v5(Calls.ROOT.value(), Calls.MESSAGE.toString());

    private final Script script = new Script();
    private final LlmHandler handler = new LlmHandler(script);

    @Test
    void the_prompt_tells_how_to_call_each_peer() {
        script.answers(
                "<GreetingResponse><Message>Hi</Message><OriginalSender>Ann</OriginalSender></GreetingResponse>");

        HandlerResult result = handler.handle(Calls.call(HELLO, "greeter", "<Greeting><Name>Ann</Name></Greeting>"));

        assertThat(script.asked.getFirst().messages().getFirst().content())
                .startsWith("You are a friendly greeter. Keep it short.")
                .contains("<tools>\n<tool name=\"shouter\"><description>Repeats a greeting in capitals.")
                .contains(
                        "<example><GreetingResponse><Message>…</Message><OriginalSender>…</OriginalSender></GreetingResponse></example></tool>")
                .contains("xs:schema");
        assertThat(script.asked.getFirst().messages().getLast())
                .isEqualTo(new ChatMessage(Role.USER, null, "<Greeting><Name>Ann</Name></Greeting>"));
        assertThat(result).isInstanceOfSatisfying(HandlerResult.Done.class, done -> {
            assertThat(done.outputs().getFirst()).isInstanceOf(HandlerOutput.HandOver.class);
            assertThat(done.spent().receipts()).containsExactly("r0");
            assertThat(done.spent().inputTokens()).isEqualTo(10);
        });
        assertThat(script.asked.getFirst().idempotencyKey()).isEqualTo(ONCE + ":0");
    }

    /** A provider's JSON can say it, by an escape; XML, UTF-8 and so the journal cannot. */
    @Test
    void half_a_character_of_a_model_shows_that_something_was_there() {
        script.answers(
                "So\ud800 <Sum><Expression>1\udc00+\ud83d\ude00</Expression></Sum>",
                "\ud800!",
                "<Sum>\ud800</Sum>",
                "ok");

        HandlerResult called = handler.handle(Calls.call(TEAM, "lead", "<Task><Text>x</Text></Task>"));
        HandlerResult said = handler.handle(Calls.call(TEAM, "lead", "<Task><Text>x</Text></Task>"));
        handler.handle(Calls.call(TEAM, "lead", "<Task><Text>x</Text></Task>"));

        assertThat(called).isInstanceOfSatisfying(HandlerResult.Done.class, done -> {
            assertThat(done.outputs())
                    .containsExactly(new HandlerOutput.Forward(
                            "sum", "<Sum><Expression>1\ufffd+\ud83d\ude00</Expression></Sum>"));
            assertThat(done.spent().note()).isEqualTo("So\ufffd");
        });
        assertThat(said)
                .isInstanceOfSatisfying(
                        HandlerResult.Done.class,
                        done -> assertThat(done.outputs())
                                .containsExactly(new HandlerOutput.Respond("<answer xmlns=\"\">\ufffd!</answer>")));
        assertThat(script.asked.getLast().messages())
                .as("what goes back to the model")
                .contains(new ChatMessage(Role.ASSISTANT, null, "<Sum>\ufffd</Sum>"));
    }

    @Test
    void the_same_id_in_another_thread_is_another_call_of_the_model() {
        script.answers("a", "b");
        ThreadId other = Calls.ROOT.child(Calls.MESSAGE);
        for (ThreadId thread : List.of(Calls.ROOT, other)) {
            Envelope task = Calls.envelope(
                    new Meta("console", "lead", thread, Calls.MESSAGE, null, null, null, null),
                    "<Task><Text>x</Text></Task>");
            handler.handle(Calls.call(TEAM, "lead", task, "console", List.of()));
        }

        assertThat(script.asked)
                .extracting(Llm.Question::idempotencyKey)
                .containsExactly(ONCE + ":0", Ids.v5(other.value(), Calls.MESSAGE.toString()) + ":0");
    }

    @Test
    void what_cannot_be_repaired_goes_back_to_the_model_twice_and_then_fails() {
        script.answers("<Sum><Wrong/></Sum>", "<Sum/>", "<Sum><Expression>1</Expression></Sum>");
        HandlerResult result = handler.handle(Calls.call(TEAM, "lead", "<Task><Text>x</Text></Task>"));

        assertThat(result).isInstanceOf(HandlerResult.Done.class);
        assertThat(result.spent().receipts()).containsExactly("r0", "r1", "r2");
        assertThat(script.asked)
                .extracting(Llm.Question::idempotencyKey)
                .containsExactly(ONCE + ":0", ONCE + ":1", ONCE + ":2");
        assertThat(script.asked.getLast().messages().getLast().content())
                .startsWith("<huh xmlns=\"https://xml-pipeline.org/ns/core/v1\"><error>");

        script.answers("<Sum/>", "<Sum/>", "<Sum/>", "never asked");
        assertThat(handler.handle(Calls.call(TEAM, "lead", "<Task><Text>x</Text></Task>")))
                .isInstanceOfSatisfying(
                        HandlerResult.Failed.class,
                        failed -> assertThat(failed.code()).isEqualTo(SystemErrors.Code.VALIDATION));
        assertThat(script.asked).hasSize(6);
    }

    @Test
    void a_peers_answer_carries_its_name_and_parallel_calls_are_one_reply() {
        Envelope task = Calls.fromClient("lead", "<Task><Text>x</Text></Task>");
        MessageId first = Calls.MESSAGE.output(0);
        MessageId second = Calls.MESSAGE.output(1);
        Envelope call1 = Calls.output(
                "lead", "sum", Calls.ROOT.child(first), first, Calls.MESSAGE, "<Sum><Expression>1</Expression></Sum>");
        Envelope call2 = Calls.output(
                "lead",
                "sum",
                Calls.ROOT.child(second),
                second,
                Calls.MESSAGE,
                "<Sum><Expression>2</Expression></Sum>");
        Envelope answer1 = Calls.output("sum", "lead", Calls.ROOT, first.output(0), first, "<result>1</result>");
        Envelope answer2 = Calls.output(
                "core",
                "lead",
                Calls.ROOT,
                second.output(0),
                second,
                SystemErrors.systemError(SystemErrors.Code.TIMEOUT, "late", true));
        script.answers("Done");
        HandlerCall call = Calls.call(
                TEAM,
                "lead",
                answer2,
                "console",
                List.of(
                        Calls.slot(task, ""),
                        Calls.slot(call1, "I sum."),
                        Calls.slot(call2, ""),
                        Calls.slot(answer1, "")));

        handler.handle(call);

        List<ChatMessage> messages = script.asked.getFirst().messages();
        assertThat(messages)
                .extracting(ChatMessage::role)
                .containsExactly(Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER, Role.USER);
        assertThat(messages.get(1).name()).isNull();
        assertThat(messages.get(2).content())
                .isEqualTo("I sum.\n<Sum><Expression>1</Expression></Sum>\n<Sum><Expression>2</Expression></Sum>");
        assertThat(messages.get(3)).isEqualTo(new ChatMessage(Role.USER, "sum", "<result>1</result>"));
        assertThat(messages.get(4).name()).isEqualTo("sum");
    }

    @Test
    void the_history_is_cut_at_its_oldest_end() {
        List<Slot> history = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            history.add(
                    Calls.slot(Calls.fromClient("lead", "<Task><Text>" + "x".repeat(70) + i + "</Text></Task>"), ""));
        }
        script.answers("Done");
        handler.handle(Calls.call(
                TEAM, "lead", Calls.fromClient("lead", "<Task><Text>now</Text></Task>"), "console", history));

        assertThat(script.asked.getFirst().messages()).hasSize(4);
        assertThat(script.asked.getFirst().messages().get(1).content()).contains("x6<");
        assertThat(script.asked.getFirst().messages().get(3).content()).contains("now");
    }

    @Test
    void says_whether_another_try_may_help() {
        script.next.add(new Answer.Unavailable("503"));
        script.next.add(new Answer.OutOfCredit());
        script.next.add(new Answer.Refused("404"));
        HandlerCall call = Calls.call(TEAM, "lead", "<Task><Text>x</Text></Task>");

        assertThat(handler.handle(call)).isInstanceOf(HandlerResult.Again.class);
        assertThat(handler.handle(call))
                .isInstanceOfSatisfying(
                        HandlerResult.Failed.class,
                        failed -> assertThat(failed.code()).isEqualTo(SystemErrors.Code.BUDGET));
        assertThat(handler.handle(call)).isInstanceOf(HandlerResult.Failed.class);
    }

    /** A model that says what it was told to. */
    @Test
    void says_of_each_call_that_may_be_running_that_nobody_wants_it() {
        new LlmHandler(script).unwanted(Calls.call(HELLO, "greeter", "<Greeting><Name>Ann</Name></Greeting>"));
        assertThat(script.abandoned).containsExactly(ONCE + ":0", ONCE + ":1", ONCE + ":2");
    }

    private static final class Script implements Llm {
        private final List<String> abandoned = new ArrayList<>();
        private final Queue<Answer> next = new ArrayDeque<>();
        private final List<Question> asked = new ArrayList<>();
        private int receipts;

        void answers(String... contents) {
            next.clear();
            for (String content : contents) {
                next.add(new Answer.Answered(content, "r" + receipts++, 10, 5));
            }
        }

        @Override
        public Answer ask(Question question) {
            asked.add(question);
            return next.remove();
        }

        @Override
        public void abandon(TenantId tenant, String idempotencyKey) {
            abandoned.add(idempotencyKey);
        }
    }
}
