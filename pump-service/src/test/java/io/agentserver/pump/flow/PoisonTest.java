package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.log.Brokers;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.RecordMac;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.tenancy.TenantDirectory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What cannot be handled ends all the same: its caller hears of it, its turn ends, and it is a dead letter. */
class PoisonTest extends FlowFixture {
    private static final String JOB = "<Job><Text>x</Text></Job>";
    private final RuntimeException cause = new RuntimeException("a test's");

    /** The journal, with a fault before or after each of its calls. */
    private final class Faulty extends ForwardingBuffer {
        Function<BeginRequest, @Nullable Throwable> afterBegin = _ -> null;
        Function<CompleteRequest, @Nullable Throwable> beforeComplete = _ -> null;
        Function<CompleteRequest, @Nullable Throwable> afterComplete = _ -> null;
        int completes;

        Faulty() {
            super(journal);
        }

        @Override
        public BeginReply begin(BeginRequest request) {
            BeginReply reply = journal.begin(request);
            throwIf(afterBegin.apply(request));
            return reply;
        }

        @Override
        public CompleteReply complete(CompleteRequest request) {
            completes++;
            throwIf(beforeComplete.apply(request));
            CompleteReply reply = journal.complete(request);
            throwIf(afterComplete.apply(request));
            return reply;
        }

        private static void throwIf(@Nullable Throwable failure) {
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure instanceof RuntimeException exception) {
                throw exception;
            }
        }
    }

    private final Faulty faulty = new Faulty();

    private void isCompletedAsFailed() {
        assertThat(journal.completed).hasSize(1);
        assertThat(last().getFailed()).isTrue();
        assertThat(last().getOutputs(0).getTo()).isEqualTo("console");
        assertThat(last().getOutputs(0).getEnvelope())
                .contains("<from>core</from>", "<code>handler</code>")
                .doesNotContain("a test's");
    }

    private void oneDeadLetter(String reason) {
        assertThat(log).extracting(LogRecord::topic).containsExactly("dead-letters.demo");
        assertThat(text(log.getFirst(), RecordHeaders.REASON)).contains(reason);
    }

    @Test
    void a_defect_that_stays_is_a_dead_letter_and_ends_the_turn() {
        for (Throwable defect : List.of(new IllegalStateException("a defect"), new StackOverflowError("a defect"))) {
            journal.forget();
            log.clear();
            http = _ -> done(new HandlerOutput.Respond("<ok/>"));
            faulty.beforeComplete =
                    request -> request.getOutputs(0).getEnvelope().contains("<ok ") ? defect : null;
            handle(client("service", JOB), faulty);

            isCompletedAsFailed();
            oneDeadLetter("a defect");
            assertThat(text(log.getFirst(), RecordHeaders.ATTEMPTS)).isEqualTo("5");
        }
    }

    @Test
    void what_cannot_be_completed_for_now_keeps_its_lane() {
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));
        faulty.beforeComplete = request -> request.getOutputs(0).getEnvelope().contains("<ok ")
                ? new IllegalStateException("a defect")
                : faulty.completes < 50 ? new UnavailableException("away") : null;

        handle(client("service", JOB), faulty);

        assertThat(faulty.completes).isEqualTo(50);
        isCompletedAsFailed();
        oneDeadLetter("a defect");
    }

    @Test
    void a_history_that_no_call_carries_is_read_in_part() {
        llm = call -> done(new HandlerOutput.Respond("<answer>" + call.history().size() + "</answer>"));
        faulty.afterBegin =
                request -> request.getHistorySlots() > 6 ? new ThreadBuffer.TooLarge("64 MiB", cause) : null;

        handle(client(null, "<Greeting><Name>Ann</Name></Greeting>"), faulty);

        assertThat(journal.begun).extracting(BeginRequest::getHistorySlots).containsExactly(50, 6);
        assertThat(last().getFailed()).isFalse();
        assertThat(log).isEmpty();
    }

    @Test
    void what_no_call_carries_at_all_is_a_dead_letter() {
        faulty.afterBegin = _ -> new ThreadBuffer.TooLarge("64 MiB", cause);

        handle(client("service", JOB), faulty);

        oneDeadLetter("64 MiB");
        assertThat(text(log.getFirst(), RecordHeaders.REASON)).contains("not completed");
    }

    @Test
    void outputs_that_no_call_carries_become_an_error() {
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));
        faulty.beforeComplete = request ->
                request.getOutputs(0).getEnvelope().contains("<ok ") ? new ThreadBuffer.TooLarge("4 MiB", cause) : null;

        handle(client("service", JOB), faulty);

        isCompletedAsFailed();
        oneDeadLetter("4 MiB");
    }

    @Test
    void a_journal_that_fails_at_a_message_is_waited_for_two_minutes() {
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));
        faulty.beforeComplete = request -> request.getOutputs(0).getEnvelope().contains("<ok ")
                ? new ThreadBuffer.Failed("INTERNAL", cause)
                : null;

        handle(client("service", JOB), faulty);

        Duration waited = pauses.stream().reduce(Duration.ZERO, Duration::plus);
        assertThat(waited)
                .isBetween(
                        Duration.ofMinutes(2).minusSeconds(6),
                        Duration.ofMinutes(2).plusSeconds(6));
        isCompletedAsFailed();
        oneDeadLetter("INTERNAL");
    }

    @Test
    void a_journal_that_fails_at_a_conversation_for_ever_holds_up_nothing_for_ever() {
        faulty.afterBegin = _ -> new ThreadBuffer.Failed("INTERNAL", cause);

        handle(client("service", JOB), faulty);

        oneDeadLetter("not completed");
    }

    @Test
    void a_journal_that_fails_for_a_while_costs_nothing() {
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));
        faulty.beforeComplete = _ -> faulty.completes < 10 ? new ThreadBuffer.Failed("INTERNAL", cause) : null;

        handle(client("service", JOB), faulty);

        assertThat(last().getOutputs(0).getEnvelope()).contains("<ok ");
        assertThat(log).isEmpty();
    }

    @Test
    void an_output_that_the_log_calls_too_large_is_tried_until_it_takes_it() {
        int[] tries = {0};
        outbox = records -> {
            if (++tries[0] < 20) {
                throw new Outbox.TooLarge("max.message.bytes", cause);
            }
            log.addAll(records);
        };
        http = _ -> done(new HandlerOutput.Forward("left", "<Poll><Question>a</Question></Poll>"));

        step(client("service", JOB));

        assertThat(log).extracting(LogRecord::topic).containsExactly("messages.demo");
    }

    @Test
    void the_largest_output_fits_into_a_record_with_its_signature() {
        http = _ -> done(
                new HandlerOutput.Forward("left", "<Poll><Question>" + "a".repeat(1_047_500) + "</Question></Poll>"));
        step(client("service", JOB));
        assertThat(log).hasSize(1);
        assertThat(log.getFirst().value().length).isBetween(1_048_000, Outbox.MOST_BYTES - 4_096);

        log.clear();
        journal.forget();
        http = _ -> done(
                new HandlerOutput.Forward("left", "<Poll><Question>" + "a".repeat(1_048_600) + "</Question></Poll>"));
        step(client("service", JOB));
        assertThat(last().getFailed()).isTrue();
        assertThat(log).isEmpty();
    }

    @Test
    void a_dead_letter_is_only_written_by_whose_completion_stands() {
        http = _ -> {
            throw new IllegalStateException("a handler");
        };
        faulty.beforeComplete = request -> {
            // another holder was faster, and its handler did not fail
            journal.complete(CompleteRequest.newBuilder()
                    .setConversation(request.getConversation())
                    .setThread(request.getThread())
                    .setMessage(request.getMessage())
                    .build());
            return null;
        };
        handle(client("service", JOB), faulty);

        assertThat(log).isEmpty();
    }

    @Test
    void a_dead_letter_is_not_lost_with_the_answer_to_its_completion() {
        http = _ -> {
            throw new IllegalStateException("a handler");
        };
        faulty.afterComplete = _ -> faulty.completes == 1 ? new UnavailableException("the answer was lost") : null;
        handle(client("service", JOB), faulty);

        assertThat(faulty.completes).isEqualTo(2);
        oneDeadLetter("a handler");
    }

    @Test
    void a_dead_letter_is_not_lost_with_the_pump_that_had_completed_its_message() {
        http = _ -> {
            throw new IllegalStateException("a handler");
        };
        LogMessage message = client("service", JOB);
        handle(message, faulty);
        log.clear(); // it died before the letter was there
        handle(message, faulty);

        assertThat(faulty.completes).as("of both").isEqualTo(1);
        oneDeadLetter("a handler");
    }

    @Test
    void a_dead_letter_is_not_written_by_whose_second_try_finds_another_had_completed_it() {
        http = _ -> {
            throw new IllegalStateException("a handler");
        };
        faulty.beforeComplete = request -> {
            if (faulty.completes == 1) {
                journal.complete(CompleteRequest.newBuilder()
                        .setConversation(request.getConversation())
                        .setThread(request.getThread())
                        .setMessage(request.getMessage())
                        .build());
                return new UnavailableException("it did not arrive");
            }
            return null;
        };
        handle(client("service", JOB), faulty);

        assertThat(faulty.completes).isEqualTo(2);
        assertThat(log).isEmpty();
    }

    @Test
    void a_turn_reads_as_much_history_as_its_own_version_says() {
        journal.bindTurnsTo(2);
        llm = call -> done(new HandlerOutput.Respond("<answer>" + call.history().size() + "</answer>"));

        step(client(null, "<Greeting><Name>Ann</Name></Greeting>"));

        assertThat(journal.begun).extracting(BeginRequest::getHistorySlots).containsExactly(50, 3);
        assertThat(journal.begun).extracting(BeginRequest::getOrganismVersion).containsExactly(1L, 2L);
    }

    @Test
    void a_verdict_of_a_newer_buffer_waits_for_a_newer_pump() {
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));
        int[] answers = {0};
        ThreadBuffer newer = new ForwardingBuffer(journal) {
            @Override
            public BeginReply begin(BeginRequest request) {
                return ++answers[0] < 20
                        ? BeginReply.newBuilder().setVerdictValue(99).build()
                        : journal.begin(request);
            }

            @Override
            public CompleteReply complete(CompleteRequest request) {
                return answers[0]++ < 40
                        ? CompleteReply.newBuilder().setOutcomeValue(99).build()
                        : journal.complete(request);
            }
        };
        handle(client("service", JOB), newer);

        assertThat(last().getOutputs(0).getEnvelope()).contains("<ok ");
        assertThat(log).isEmpty();
    }

    @Test
    void a_tenants_key_is_not_unknown_before_all_tenants_are_read() {
        LogMessage message = client("service", JOB);
        LogMessage withoutMac = new LogMessage(message.topic(), 0, 0, 0, message.key(), message.value(), null, null);
        TenantDirectory nothingYet = new TenantDirectory(Brokers.plain(kafka.bootstrap())); // never started
        EnvelopeToken.Keys none = LogReader.keys(keys, nothingYet);
        assertThatThrownBy(() -> none.find("demo", "k1")).isInstanceOf(UnavailableException.class);
        assertThat(none.find("Not A Tenant", "k1")).isEmpty();
        assertThat(LogReader.keys(keys, tenants).find("demo", "k1")).isEmpty();
        assertThat(new LogReader(new RecordMac(new byte[32]), new EnvelopeToken(Clock.systemUTC()), none)
                        .open(withoutMac))
                .isInstanceOf(LogReader.Opened.Trusted.class); // the platform's key is at hand
    }

    @Test
    void an_error_of_the_journals_machine_is_the_lanes_to_try_again() {
        faulty.afterBegin = _ -> new OutOfMemoryError("a test's");

        assertThatThrownBy(() -> flow(faulty).handle(client("service", JOB), () -> false))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(log).isEmpty();
    }
}
