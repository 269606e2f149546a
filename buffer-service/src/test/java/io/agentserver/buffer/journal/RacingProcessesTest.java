package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Join;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** Several buffers over one store, each with its own memory of the conversation. */
class RacingProcessesTest {
    private final Conversing talk = conversing();
    private final List<ConversationJournal> processes =
            IntStream.range(0, 4).mapToObj(i -> talk.process()).toList();

    Conversing conversing() {
        return new Conversing();
    }

    @Test
    void a_message_that_all_of_them_handle_takes_effect_once() throws Exception {
        List<Callable<CompleteReply>> handlers = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            ConversationJournal process = processes.get(i % processes.size());
            Output output = talk.forward(talk.first, 0, "worker-" + i);
            handlers.add(() -> {
                BeginReply begun =
                        process.begin(talk.key, talk.beginning(talk.first).build());
                assertThat(begun.getVerdict()).isIn(Verdict.RUN, Verdict.DONE);
                return process.complete(
                        talk.key, talk.completing(talk.first, output).build());
            });
        }
        List<CompleteReply> replies = all(handlers);
        assertThat(replies)
                .filteredOn(reply -> reply.getOutcome() == Outcome.ACCEPTED)
                .hasSize(1);
        assertThat(replies)
                .filteredOn(reply -> reply.getOutcome() == Outcome.REPEATED)
                .hasSize(15);
        assertThat(replies)
                .extracting(CompleteReply::getEmissionsList)
                .containsOnly(replies.getFirst().getEmissionsList());
        assertThat(talk.slots()).hasSize(2);
    }

    @Test
    void client_messages_that_come_at_once_have_one_turn_after_the_other() throws Exception {
        List<Emission> messages =
                IntStream.range(0, 12).mapToObj(i -> talk.clientMessage()).toList();
        List<Callable<Verdict>> begins = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            ConversationJournal process = processes.get(i % processes.size());
            Emission message = messages.get(i);
            begins.add(() ->
                    process.begin(talk.key, talk.beginning(message).build()).getVerdict());
        }
        List<Verdict> verdicts = all(begins);
        assertThat(verdicts).filteredOn(Verdict.RUN::equals).hasSize(1);
        assertThat(verdicts).filteredOn(Verdict.QUEUED_BEHIND_TURN::equals).hasSize(11);

        Set<String> turns = new HashSet<>();
        Emission next = messages.get(verdicts.indexOf(Verdict.RUN));
        while (next != null) {
            BeginReply begun = talk.begin(next);
            assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
            turns.add(begun.getTurn());
            List<Emission> emitted =
                    talk.complete(next, talk.respond(next, begun)).getEmissionsList();
            next = emitted.isEmpty() ? null : emitted.getFirst();
        }
        assertThat(turns).hasSize(12);
    }

    static Stream<Long> seeds() {
        long first = System.nanoTime();
        return Stream.concat(
                Stream.of(1L, 2L, 3L, 55039646644194L),
                LongStream.range(first, first + 200).boxed());
    }

    /** Where each step is a round trip to a store. */
    static Stream<Long> fewSeeds() {
        return seeds().limit(8);
    }

    /** A log that delivers in any order and more than once, pumps that crash between any two steps, four buffers. */
    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void every_turn_ends_and_every_message_takes_effect_once(long seed) {
        Random random = new Random(seed);
        int turns = 3;
        List<Emission> log = new ArrayList<>(List.of(talk.first));
        IntStream.range(1, turns).forEach(i -> log.add(talk.clientMessage()));
        List<Emission> unfinished = new ArrayList<>(log);
        int redeliveries = 10;
        while (!unfinished.isEmpty()) {
            assertThat(log).as("it comes to an end, seed " + seed).hasSizeLessThan(5_000);
            boolean again = redeliveries > 0 && random.nextInt(10) == 0;
            redeliveries -= again ? 1 : 0;
            List<Emission> from = again ? log : unfinished;
            Emission message = from.get(random.nextInt(from.size()));
            ConversationJournal process = processes.get(random.nextInt(processes.size()));
            deliver(process, message, random).ifPresent(emitted -> {
                unfinished.remove(message);
                unfinished.addAll(emitted);
                log.addAll(emitted);
            });
        }
        assertThat(talk.state().endedTurns().size())
                .as("ended turns, seed " + seed)
                .isEqualTo(turns);
        assertThat(talk.state().openTurn()).isEmpty();
        List<Slot> slots = talk.slots();
        assertThat(slots)
                .extracting(Slot::getSequence)
                .isEqualTo(LongStream.rangeClosed(1, slots.size()).boxed().toList());
        assertThat(slots)
                .extracting(slot -> slot.getThread() + slot.getMessage())
                .doesNotHaveDuplicates();
        JournalState again = new JournalState(talk.root);
        List<Commit> commits = talk.store.read(talk.key, 1, Look.CONSISTENT);
        commits.forEach(again::apply);
        assertThat(again.slots()).isEqualTo(slots);
        assertThat(again.tokens()).isEqualTo(talk.state().tokens());
    }

    /**
     * One delivery; now and then the pump dies before it completes, or before what it completed is on the log.
     *
     * @return what is on the log when the message's offset is finished; empty: it is not
     */
    private Optional<List<Emission>> deliver(ConversationJournal process, Emission message, Random random) {
        Join join = random.nextInt(4) == 0 ? Join.EACH : Join.ALL;
        BeginReply begun =
                process.begin(talk.key, talk.beginning(message).setJoin(join).build());
        if (begun.getVerdict() != Verdict.RUN) {
            return Optional.of(begun.getEmissionsList());
        }
        if (random.nextInt(5) == 0) {
            return Optional.empty();
        }
        Output[] outputs = outputs(message, begun, random);
        CompleteReply completed = processes
                .get(random.nextInt(processes.size()))
                .complete(talk.key, talk.completing(message, outputs).build());
        assertThat(completed.getOutcome()).isEqualTo(Outcome.ACCEPTED);
        return random.nextInt(5) == 0 ? Optional.empty() : Optional.of(completed.getEmissionsList());
    }

    private Output[] outputs(Emission message, BeginReply begun, Random random) {
        int choice = begun.getHops() > 12 ? 9 : random.nextInt(10);
        return switch (choice) {
            case 0 -> new Output[0];
            case 1 -> new Output[] {talk.handOver(message, "other")};
            case 2 -> new Output[] {talk.toItself(message, 0), talk.forward(message, 1, "worker")};
            case 3, 4, 5 ->
                IntStream.rangeClosed(0, random.nextInt(3))
                        .mapToObj(i -> talk.forward(message, i, "worker"))
                        .toArray(Output[]::new);
            default -> new Output[] {talk.respond(message, begun)};
        };
    }

    private static <T> List<T> all(List<Callable<T>> tasks) throws Exception {
        List<T> results = new ArrayList<>();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<T> result : pool.invokeAll(tasks)) {
                results.add(result.get());
            }
        }
        return results;
    }
}
