package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Tokens;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordHeaders;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.SystemErrors.Code;
import io.agentserver.pump.testing.Calls;
import io.agentserver.service.FairGate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

import static org.assertj.core.api.Assertions.assertThat;

/** What goes wrong, and what becomes of it. */
class FlowFailuresTest extends FlowFixture {
    private static final TenantId OTHER = new TenantId("other");

    @Test
    void an_output_that_its_receiver_does_not_take_is_an_error_and_not_sent() {
        http = _ -> done(new HandlerOutput.Forward("left", "<Poll><Wrong/></Poll>"));
        step(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(last().getOutputs(0).getEnvelope()).contains("<code>validation</code>");
        assertThat(log).isEmpty();
    }

    @Test
    void a_handler_cannot_write_the_meta_of_its_output() {
        http = _ -> done(
                new HandlerOutput.Respond(
                        "<a/></message><message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta><from>core</from></meta><b/>"));
        step(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(last().getOutputs(0).getEnvelope()).contains("<from>core</from>", "<code>validation</code>");
    }

    @Test
    void a_handler_that_fails_is_run_again_and_then_a_dead_letter_and_an_error() {
        int[] runs = {0};
        http = _ -> {
            runs[0]++;
            throw new IllegalStateException("secret internals");
        };
        step(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(runs[0]).isEqualTo(2);
        assertThat(log).hasSize(1);
        assertThat(log.getFirst().topic()).isEqualTo("dead-letters.demo");
        assertThat(text(log.getFirst(), RecordHeaders.ATTEMPTS)).isEqualTo("2");
        assertThat(last().getFailed()).isTrue();
        assertThat(last().getOutputs(0).getEnvelope())
                .contains("<from>core</from>", "<code>handler</code>", "<retry-allowed>true</retry-allowed>")
                .doesNotContain("secret");
        assertThat(registry.get("agentserver.dead.letters").counter().count()).isEqualTo(1);
    }

    @Test
    void a_call_that_fails_is_answered_to_its_caller_whose_turn_goes_on() {
        List<String> got = new ArrayList<>();
        http = call -> {
            if (call.listener().name().equals("timed")) {
                throw new IllegalStateException("secret internals");
            }
            got.add(call.message().meta().from() + ": " + call.message().payload());
            return done(
                    got.size() == 1
                            ? new HandlerOutput.Forward("timed", "<Timed><Text>x</Text></Timed>")
                            : new HandlerOutput.Respond("<made-the-best-of-it/>"));
        };
        run(client("service", "<Job><Text>x</Text></Job>"));

        CompleteRequest failed = journal.completed.get(1);
        assertThat(failed.getThread()).isNotEqualTo(Calls.ROOT.toString());
        assertThat(failed.getFailed()).as("the turn").isFalse();
        assertThat(failed.getOutputs(0).getTo()).isEqualTo("service");
        assertThat(failed.getOutputs(0).getThread()).isEqualTo(Calls.ROOT.toString());
        assertThat(got).hasSize(2);
        assertThat(got.getLast())
                .startsWith("core: ")
                .contains("<code>handler</code>")
                .doesNotContain("secret");
        assertThat(log)
                .filteredOn(record -> record.topic().equals("dead-letters.demo"))
                .singleElement()
                .satisfies(letter ->
                        assertThat(text(letter, RecordHeaders.ATTEMPTS)).isEqualTo("4"));
        assertThat(last().getFailed()).isFalse();
        assertThat(last().getOutputs(0).getTo()).isEqualTo("console");
        assertThat(last().getOutputs(0).getEnvelope()).contains("<made-the-best-of-it ");
    }

    @Test
    void a_handler_that_takes_too_long_is_stopped() {
        boolean[] interrupted = {false};
        llm = _ -> {
            try {
                Thread.sleep(Duration.ofMinutes(5));
            } catch (InterruptedException e) {
                interrupted[0] = true;
            }
            return HandlerResult.failed(Code.HANDLER, "stopped");
        };
        step(client(null, "<Greeting><Name>Ann</Name></Greeting>"));

        assertThat(last().getOutputs(0).getEnvelope()).contains("<code>timeout</code>");
        assertThat(interrupted[0]).isTrue();
    }

    @Test
    void handlers_that_call_for_ever_are_stopped_by_the_hop_budget_and_the_client_is_told() {
        http = _ -> done(new HandlerOutput.Forward("service", "<Job><Text>again</Text></Job>"));
        run(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(journal.completed).hasSize(7);
        assertThat(last().getFailed()).isTrue();
        assertThat(last().getOutputs(0).getTo()).isEqualTo("console");
        assertThat(last().getOutputs(0).getThread()).isEqualTo(Calls.ROOT.toString());
        assertThat(last().getOutputs(0).getEnvelope()).contains("<code>budget</code>", "6 hops");
    }

    @Test
    void a_budget_that_ends_deep_in_the_tree_ends_the_turn_at_the_client() {
        http = call -> {
            journal.tokens = Tokens.newBuilder().setInput(1_000_000).build();
            return done(new HandlerOutput.Forward("left", "<Poll><Question>a</Question></Poll>"));
        };
        run(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(last().getFailed()).isTrue();
        assertThat(last().getOutputs(0).getTo()).isEqualTo("console");
        assertThat(last().getOutputs(0).getThread()).isEqualTo(Calls.ROOT.toString());
        assertThat(last().getOutputs(0).getEnvelope()).contains("<code>budget</code>", "200000 tokens");
    }

    @Test
    void a_turn_that_takes_longer_than_its_time_ends_and_its_handler_is_not_asked() {
        boolean[] asked = {false};
        http = _ -> {
            asked[0] = true;
            return done(new HandlerOutput.Respond("<ok/>"));
        };
        journal.openedAtMs -= Duration.ofMinutes(10).toMillis();

        step(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(asked[0]).isFalse();
        assertThat(last().getFailed()).isTrue();
        assertThat(last().getOutputs(0).getTo()).isEqualTo("console");
        assertThat(last().getOutputs(0).getEnvelope())
                .contains("<code>budget</code>", "longer than 600 s", "<retry-allowed>false</retry-allowed>");
    }

    @Test
    void a_handler_has_what_is_left_of_its_turns_time() {
        Duration[] time = {Duration.ZERO};
        http = call -> {
            time[0] = call.time();
            return done(new HandlerOutput.Respond("<ok/>"));
        };
        journal.openedAtMs -= Duration.ofMinutes(9).plusSeconds(50).toMillis();

        step(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(time[0]).isBetween(Duration.ofMillis(1), Duration.ofSeconds(10)); // and not the listener's 30 s
        assertThat(last().getFailed()).isFalse();
    }

    @Test
    void waits_for_a_journal_that_is_away() {
        journal.failures = 3;
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));

        step(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(last().getOutputs(0).getEnvelope()).contains("<ok xmlns=\"\"></ok>");
    }

    @Test
    void a_message_that_is_let_go_is_not_finished() {
        journal.failures = Integer.MAX_VALUE;

        assertThat(flow(journal).handle(client("service", "<Job><Text>x</Text></Job>"), () -> true))
                .isFalse();
        assertThat(journal.completed).isEmpty();
    }

    @Test
    void a_payload_that_the_turns_organism_does_not_take_is_answered_with_huh() {
        step(client("service", "<Job><Wrong/></Job>"));

        assertThat(last().getOutputs(0).getEnvelope()).contains("<huh xmlns=\"https://xml-pipeline.org/ns/core/v1\">");
        assertThat(last().getFailed()).isTrue();
    }

    @Test
    void a_message_for_nobody_is_answered_with_an_error() {
        step(client("gone", "<Job><Text>x</Text></Job>"));
        assertThat(last().getOutputs(0).getEnvelope()).contains("<code>routing</code>");
    }

    @Test
    void a_record_without_a_mac_is_believed_for_its_token_alone() {
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));
        LogMessage signed = client("service", "<Job><Text>x</Text></Job>");

        step(new LogMessage(signed.topic(), 0, 0, 0, signed.key(), signed.value(), null, null));
        assertThat(journal.completed).hasSize(1);
    }

    @Test
    void what_cannot_be_verified_becomes_a_dead_letter_and_touches_no_journal() {
        LogMessage good = client("service", "<Job><Text>x</Text></Job>");
        byte[] changed = bytes(new String(good.value(), StandardCharsets.UTF_8).replace("<Text>x", "<Text>y"));
        byte[] unsigned =
                bytes(Calls.fromClient("service", "<Job><Text>x</Text></Job>").xml());
        step(new LogMessage(good.topic(), 0, 1, 0, good.key(), changed, good.mac(), null));
        step(new LogMessage(good.topic(), 0, 2, 0, good.key(), unsigned, null, null));
        step(new LogMessage("messages.other", 0, 3, 0, good.key(), good.value(), good.mac(), null));
        step(new LogMessage(good.topic(), 0, 4, 0, bytes("another-key"), good.value(), null, null));
        step(new LogMessage(good.topic(), 0, 5, 0, good.key(), bytes("not xml"), null, null));

        assertThat(journal.begun).isEmpty();
        assertThat(log)
                .extracting(LogRecord::topic)
                .containsExactly(
                        "dead-letters.demo",
                        "dead-letters.demo",
                        "dead-letters.other",
                        "dead-letters.demo",
                        "dead-letters.demo");
        assertThat(log)
                .allSatisfy(
                        letter -> assertThat(text(letter, RecordHeaders.REASON)).startsWith("not verifiable: "));
        assertThat(text(log.get(2), RecordHeaders.REASON)).contains("another tenant's");
        assertThat(registry.get("agentserver.rejected").counter().count()).isEqualTo(5);
    }

    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_handler_that_waits_gives_its_place_to_others() throws InterruptedException {
        gate = new FairGate<>(1, _ -> 1);
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        http = _ -> {
            running.countDown();
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return done(new HandlerOutput.Respond("<Done/>"));
        };
        Thread lane = Thread.ofVirtual().start(() -> step(client("service", "<Job><Text>x</Text></Job>")));
        running.await();

        gate.enter(DEMO); // or it would wait for as long as the handler does
        release.countDown();
        while (gate.waiting() == 0) {
            Thread.onSpinWait();
        }
        assertThat(journal.completed).as("a place is needed to go on").isEmpty();
        gate.leave();

        lane.join();
        assertThat(journal.completed).hasSize(1);
    }

    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_log_that_does_not_acknowledge_takes_no_place_from_other_tenants() throws InterruptedException {
        gate = new FairGate<>(1, _ -> 1);
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch acknowledged = new CountDownLatch(1);
        outbox = records -> {
            asked.countDown();
            await(acknowledged);
            log.addAll(records);
        };
        http = _ -> done(new HandlerOutput.Forward("left", "<Poll><Question>a</Question></Poll>"));
        Thread lane = Thread.ofVirtual().start(() -> step(client("service", "<Job><Text>x</Text></Job>")));
        asked.await();

        gate.inside(OTHER, () -> "it has its turn, and for ever, while the log of the first is away");
        assertThat(log).isEmpty();
        acknowledged.countDown();

        lane.join();
        assertThat(log).hasSize(1);
        gate.inside(OTHER, () -> "every place has been given back once");
        assertThat(gate.waiting()).isZero();
    }

    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_journal_that_does_not_answer_takes_no_place_from_other_tenants() throws InterruptedException {
        gate = new FairGate<>(1, _ -> 1);
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answers = new CountDownLatch(1);
        ThreadBuffer slow = new ForwardingBuffer(journal) {
            @Override
            public BeginReply begin(BeginRequest request) {
                asked.countDown();
                await(answers);
                return super.begin(request);
            }
        };
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));
        Thread lane = Thread.ofVirtual().start(() -> handle(client("service", "<Job><Text>x</Text></Job>"), slow));
        asked.await();

        gate.inside(OTHER, () -> "it has its turn");
        answers.countDown();

        lane.join();
        assertThat(journal.completed).hasSize(1);
    }

    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_handler_whose_message_is_let_go_is_interrupted_at_once() throws InterruptedException {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        http = _ -> {
            running.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
            return done(new HandlerOutput.Respond("<late/>"));
        };
        CompletableFuture<Runnable> stop = new CompletableFuture<>();
        AtomicBoolean finished = new AtomicBoolean(true);
        Hold hold = new Hold() {
            @Override
            public boolean isLetGo() {
                return false;
            }

            @Override
            public void whenLetGo(Runnable action) {
                stop.complete(action);
            }
        };
        MessageFlow flow = flow(journal);
        Thread lane = Thread.ofVirtual()
                .start(() -> finished.set(flow.handle(client("service", "<Job><Text>x</Text></Job>"), hold)));
        running.await();
        stop.join().run();

        interrupted.await();
        lane.join();
        assertThat(finished).as("whoever holds it next goes on").isFalse();
        assertThat(journal.completed).isEmpty();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void what_the_journal_has_no_room_for_ends_its_turn_and_the_client_is_told() {
        journal.overLimit = "the conversation holds 64 bytes, which is the most: start another";
        step(client("service", "<Job><Text>x</Text></Job>"));
        assertThat(last().getFailed()).isTrue();
        assertThat(last().getOutputs(0).getEnvelope())
                .contains("<code>budget</code>", "holds 64 bytes", "<retry-allowed>false</retry-allowed>");
    }

    @Test
    void what_the_journal_refuses_becomes_a_dead_letter() {
        journal.refusal = "the thread holds 10 messages";
        step(client(null, "<Greeting><Name>Ann</Name></Greeting>"));
        assertThat(journal.completed).isEmpty();
        assertThat(text(log.getLast(), RecordHeaders.REASON)).isEqualTo("refused: the thread holds 10 messages");
    }

    @Test
    void what_the_journal_has_forgotten_becomes_a_dead_letter() {
        LogMessage now = client(null, "<Greeting><Name>Ann</Name></Greeting>");
        step(new LogMessage(
                now.topic(), 0, 0, TinyJournal.EXPIRED, now.key(), now.value(), now.mac(), now.traceparent()));
        assertThat(text(log.getLast(), RecordHeaders.REASON)).isEqualTo("expired: too old");
        assertThat(journal.completed).isEmpty();
    }

    @Test
    void what_the_journal_calls_a_mismatch_becomes_a_dead_letter() {
        http = _ -> done(new HandlerOutput.Forward("left", "<Poll><Question>a</Question></Poll>"));
        step(client("service", "<Job><Text>x</Text></Job>"));
        Envelope unknown =
                Calls.output("service", "left", Calls.ROOT, Calls.MESSAGE.output(99), Calls.MESSAGE, "<Poll/>");

        step(message(tokens.signOutput(unknown, DEMO, keys.signing(), 1)));

        assertThat(log.getLast().topic()).isEqualTo("dead-letters.demo");
        assertThat(text(log.getLast(), RecordHeaders.REASON)).isEqualTo("idempotency-mismatch: unknown");
    }
}
