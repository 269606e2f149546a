package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.AwaitedReply;
import io.agentserver.buffer.v1.AwaitedRequest;
import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.ModelCall;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Stop;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.Spent;
import io.agentserver.pump.handler.SystemErrors.Code;
import io.agentserver.pump.testing.Calls;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;

/** What takes long, waits, or is no longer wanted. */
@Timeout(60)
class ParkingTest extends FlowFixture {
    private static final String JOB = "<Job><Text>x</Text></Job>";

    private final CountDownLatch release = new CountDownLatch(1);
    private int detached;

    @Test
    void a_handler_that_takes_long_goes_into_the_journals_care_and_its_message_off_the_log() {
        parkAfter = Duration.ofMillis(10);
        http = _ -> {
            await(release);
            return done(new HandlerOutput.Respond("<ok/>"));
        };
        Hold hold = new Hold() {
            @Override
            public boolean isLetGo() {
                return false;
            }

            @Override
            public void detach() {
                if (++detached == 3) {
                    release.countDown();
                }
            }
        };
        long before = Clock.systemUTC().millis();
        assertThat(flow(journal).handle(client("service", JOB), hold)).isTrue();

        assertThat(journal.parked).hasSizeGreaterThanOrEqualTo(3);
        Parking parking = journal.parked.getFirst().getParking();
        assertThat(parking.getUntilMs()).isGreaterThanOrEqualTo(before + 20);
        assertThat(parking.getWaits()).isFalse();
        assertThat(last().getOutputs(0).getEnvelope()).contains("<ok ");
    }

    @Test
    void who_finds_it_completed_by_another_when_it_would_park_it_begins_again() {
        parkAfter = Duration.ofMillis(10);
        boolean[] interrupted = {false};
        http = _ -> {
            if (journal.completed.isEmpty()) {
                // another pump, meanwhile
                http = _ -> done(new HandlerOutput.Respond("<other/>"));
                step(client("service", JOB));
                interrupted[0] = isInterrupted(release);
            }
            return done(new HandlerOutput.Respond("<late/>"));
        };
        step(client("service", JOB));

        assertThat(journal.completed).hasSize(1);
        assertThat(last().getOutputs(0).getEnvelope()).contains("<other ");
        assertThat(journal.begun).hasSize(3);
    }

    @Test
    void a_long_pause_before_a_retry_is_slept_in_the_journal_and_the_attempts_are_remembered() {
        journal.parking = Parking.newBuilder()
                .setAttempts(12)
                .setFirstFailureMs(5_000)
                .addCalls(ModelCall.newBuilder().setReceipt("r1").setInput(3))
                .build();
        boolean[] failed = {false};
        http = _ -> {
            failed[0] = true;
            return new HandlerResult.Again(
                    Code.HANDLER, "away", "away", Spent.NOTHING.and(new Spent.ModelCall("r2", 4, 1)));
        };
        long before = Clock.systemUTC().millis();
        step(clientOfPatient());

        assertThat(failed[0]).isTrue();
        assertThat(journal.completed).isEmpty();
        Parking parking = journal.parked.getFirst().getParking();
        assertThat(parking.getAttempts()).isEqualTo(13);
        assertThat(parking.getFirstFailureMs()).isEqualTo(5_000);
        assertThat(parking.getUntilMs()).isGreaterThan(before + 5_000);
        assertThat(parking.getCallsList()).extracting(ModelCall::getReceipt).containsExactly("r1", "r2");

        journal.parking = parking;
        http = _ -> done(new HandlerOutput.Respond("<ok/>"));
        step(clientOfPatient());
        assertThat(last().getTokens().getInput()).isEqualTo(7);
        assertThat(last().getReceiptsList()).containsExactly("r1", "r2");
    }

    @Test
    void what_was_not_tried_because_its_target_rests_comes_back_with_all_its_attempts() {
        http = _ -> new HandlerResult.Resting(Duration.ofSeconds(15), "it rests", "not available");
        long before = Clock.systemUTC().millis();
        step(client("service", JOB)); // one retry
        for (int i = 0; i < 5; i++) {
            journal.parking = journal.parked.getLast().getParking();
            step(client("service", JOB));
        }
        assertThat(journal.completed).isEmpty();
        Parking parking = journal.parked.getLast().getParking();
        assertThat(parking.getAttempts()).isZero();
        assertThat(parking.getWaits()).as("its turn's time goes on").isFalse();
        assertThat(parking.getUntilMs()).isGreaterThanOrEqualTo(before + 15_000);
    }

    @Test
    void what_would_rest_for_longer_than_its_turn_lasts_is_given_up() {
        http = _ -> new HandlerResult.Resting(Duration.ofHours(20), "it rests", "not available");
        step(client("service", JOB));
        assertThat(journal.parked).isEmpty();
        assertThat(last().getOutputs(0).getEnvelope()).contains("SystemError", "not available");
        assertThat(log)
                .filteredOn(record -> record.topic().equals("dead-letters.demo"))
                .hasSize(1);
    }

    @Test
    void a_handler_that_waits_for_a_time_sleeps_in_the_journal_and_hears_that_it_has_come() {
        Instant until = Instant.now().plusSeconds(3_600);
        http = call -> call.waitedUntil() == null
                ? new HandlerResult.Later(until, Spent.NOTHING)
                : done(new HandlerOutput.Respond("<ok/>"));
        step(client("service", JOB));
        assertThat(journal.completed).isEmpty();
        Parking parking = journal.parked.getFirst().getParking();
        assertThat(parking.getWaits()).isTrue();
        assertThat(parking.getUntilMs()).isEqualTo(until.toEpochMilli());

        journal.parking = parking;
        step(client("service", JOB));
        assertThat(last().getOutputs(0).getEnvelope()).contains("<ok ");
    }

    @Test
    void a_handler_is_told_how_long_its_message_may_sleep() {
        List<Duration> told = new ArrayList<>();
        http = call -> {
            told.add(call.longestWait());
            return done(new HandlerOutput.Respond("<ok/>"));
        };
        journal.longestWaitMs = Duration.ofDays(86).toMillis();
        step(client("service", JOB));
        assertThat(told).containsExactly(Duration.ofDays(86));
    }

    @Test
    void a_handler_hears_of_a_day_less_an_hour_where_an_older_buffer_does_not_say() {
        List<Duration> told = new ArrayList<>();
        http = call -> {
            told.add(call.longestWait());
            return done(new HandlerOutput.Respond("<ok/>"));
        };
        step(client("service", JOB));
        assertThat(told).containsExactly(Duration.ofHours(23));
    }

    @Test
    void a_handler_that_nobody_waits_for_any_more_is_stopped() throws InterruptedException {
        BlockingQueue<Stop> told = new LinkedBlockingQueue<>();
        CountDownLatch runs = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        ThreadBuffer buffer = new ForwardingBuffer(journal) {
            @Override
            public AwaitedReply awaited(AwaitedRequest request) {
                return AwaitedReply.newBuilder()
                        .addAllAwaited(request.getMessagesList().stream()
                                .map(_ -> false)
                                .toList())
                        .build();
            }

            @Override
            public void stops(Consumer<Stop> listener) {
                try {
                    listener.accept(told.take());
                } catch (InterruptedException e) {
                    throw new UnavailableException("the test is over", e);
                }
            }
        };
        http = _ -> {
            runs.countDown();
            if (isInterrupted(release)) {
                stopped.countDown();
            }
            return done(new HandlerOutput.Respond("<late/>"));
        };
        MessageFlows.Parts parts = parts(buffer);
        try (RunningHandlers running = parts.running().start()) {
            Thread lane = Thread.ofVirtual().start(() -> {
                try {
                    parts.flow().handle(client("service", JOB), () -> false);
                } finally {
                    told.clear();
                }
            });
            runs.await();
            http = _ -> done(new HandlerOutput.Respond("<again/>"));
            told.add(Stop.newBuilder()
                    .setTenant("other")
                    .setConversation(Calls.ROOT.toString())
                    .build());
            told.add(Stop.newBuilder()
                    .setTenant("demo")
                    .setConversation(Calls.ROOT.toString())
                    .build());
            stopped.await();
            assertThat(unwanted.take().id()).isEqualTo(Calls.MESSAGE);
            lane.join();
        }
        assertThat(last().getOutputs(0).getEnvelope()).as("it began again").contains("<again ");
    }

    @Test
    void what_is_due_is_put_on_the_log_and_then_said_to_be_there() {
        List<DueRequest> asked = new ArrayList<>();
        step(client("service", JOB)); // some envelope that is an output
        Emission emission = Emission.newBuilder()
                .setMessage(Calls.MESSAGE.toString())
                .setThread(Calls.ROOT.toString())
                .setConversation(Calls.ROOT.toString())
                .setClient(true)
                .setEnvelope("<as-it-was-signed/>")
                .build();
        ThreadBuffer buffer = new ForwardingBuffer(journal) {
            @Override
            public DueReply due(DueRequest request) {
                asked.add(request);
                return request.getDoneCount() > 0
                        ? DueReply.getDefaultInstance()
                        : DueReply.newBuilder()
                                .addItems(DueItem.newBuilder()
                                        .setKey("k1")
                                        .setTenant("demo")
                                        .addEmissions(emission))
                                .build();
            }
        };
        log.clear();
        DueMessages due = parts(buffer).due();
        assertThat(due.bringBack()).isEqualTo(1);
        assertThat(log).hasSize(1);
        assertThat(new String(log.getFirst().value(), java.nio.charset.StandardCharsets.UTF_8))
                .isEqualTo("<as-it-was-signed/>");
        assertThat(due.bringBack()).isZero();
        assertThat(asked.getLast().getDoneList()).containsExactly("k1");
        assertThat(asked.getFirst().getOwner()).isEqualTo(asked.getLast().getOwner());
    }

    private LogMessage clientOfPatient() {
        return client("patient", "<Ask><Text>x</Text></Ask>");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isInterrupted(CountDownLatch latch) {
        try {
            latch.await();
            return false;
        } catch (InterruptedException e) {
            return true;
        }
    }
}
