package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.AwaitedReply;
import io.agentserver.buffer.v1.AwaitedRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Join;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.Letter;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Stop;
import io.agentserver.buffer.v1.Tokens;
import io.agentserver.buffer.v1.Verdict;
import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A journal of one conversation's one turn in memory, as much of buffer.proto as the flow can notice: once-only, callers, joins,
 * closed threads, hops. The real one has its own tests; all of it together is the end-to-end test's.
 */
final class TinyJournal implements ThreadBuffer {
    private record Opened(String listener, String caller, String callerThread, String parent) {}

    /** A time of a record that the journal has forgotten. */
    static final long EXPIRED = 1;

    final List<CompleteRequest> completed = new ArrayList<>();
    final List<ParkRequest> parked = new ArrayList<>();
    Parking parking = Parking.getDefaultInstance();
    /** What a service has said late. */
    @Nullable
    LateAnswer answer;

    long keepsUntilMs;
    long longestWaitMs;
    final List<BeginRequest> begun = new ArrayList<>();
    final List<Slot> slots = new ArrayList<>();
    private final Map<String, Opened> threads = new HashMap<>();
    private final Map<String, List<Emission>> done = new HashMap<>();
    private final Map<String, Letter> letters = new HashMap<>();
    private final Map<String, Set<String>> openCalls = new HashMap<>();
    private final Set<String> closed = new HashSet<>();
    private String turn = "";
    private long version;
    private long bound;
    private boolean ended;
    int failures;
    /** Why nothing more is kept; empty: it is. */
    String refusal = "";
    /** As {@link BeginReply#getOverLimit}. */
    String overLimit = "";

    long openedAtMs;
    Tokens tokens = Tokens.getDefaultInstance();

    /** As if nothing had come yet. */
    void forget() {
        completed.clear();
        begun.clear();
        slots.clear();
        threads.clear();
        done.clear();
        letters.clear();
        openCalls.clear();
        closed.clear();
        turn = "";
        ended = false;
    }

    /** As if the turn had begun with this version of the organism. */
    void bindTurnsTo(long organismVersion) {
        bound = organismVersion;
    }

    @Override
    public BeginReply begin(BeginRequest request) {
        if (failures > 0) {
            failures--;
            throw new UnavailableException("the journal is away");
        }
        begun.add(request);
        if (request.getAppendedAtMs() == EXPIRED) {
            return BeginReply.newBuilder()
                    .setVerdict(Verdict.EXPIRED)
                    .setReason("too old")
                    .build();
        }
        if (!refusal.isEmpty()) {
            return BeginReply.newBuilder()
                    .setVerdict(Verdict.REFUSED)
                    .setReason(refusal)
                    .build();
        }
        String key = request.getThread() + request.getMessage();
        if (done.containsKey(key)) {
            BeginReply.Builder reply =
                    BeginReply.newBuilder().setVerdict(Verdict.DONE).addAllEmissions(done.getOrDefault(key, List.of()));
            Optional.ofNullable(letters.get(key)).ifPresent(reply::setLetter);
            return reply.build();
        }
        if (request.getClient() && turn.isEmpty()) {
            turn = request.getMessage();
            version = bound == 0 ? request.getOrganismVersion() : bound;
            threads.put(
                    request.getThread(),
                    new Opened(request.getTo(), request.getFrom(), request.getThread(), request.getThread()));
            slots.add(slot(request));
        }
        Opened thread = threads.get(request.getThread());
        if (ended || thread == null || closed.contains(request.getThread())) {
            return BeginReply.newBuilder()
                    .setVerdict(Verdict.DEAD)
                    .setReason("closed")
                    .build();
        }
        if (!slots.stream().anyMatch(s -> s.getMessage().equals(request.getMessage()))) {
            return BeginReply.newBuilder()
                    .setVerdict(Verdict.MISMATCH)
                    .setReason("unknown")
                    .build();
        }
        if (!openCalls.getOrDefault(request.getThread(), Set.of()).isEmpty() && request.getJoin() == Join.ALL) {
            done.put(key, List.of());
            return BeginReply.newBuilder().setVerdict(Verdict.ABSORBED).build();
        }
        BeginReply.Builder reply = BeginReply.newBuilder();
        if (answer != null) {
            reply.setAnswer(answer);
        }
        return reply.setVerdict(Verdict.RUN)
                .setOverLimit(overLimit)
                .setTurn(turn)
                .setOrganismVersion(version)
                .setCaller(thread.caller())
                .setCallerThread(thread.callerThread())
                .setParentThread(thread.parent())
                .setHops(completed.size())
                .setTokens(tokens)
                .setTurnOpenedAtMs(openedAtMs)
                .setParking(parking)
                .setKeepsUntilMs(keepsUntilMs)
                .setLongestWaitMs(longestWaitMs)
                .addAllHistory(history(request))
                .build();
    }

    @Override
    public CompleteReply complete(CompleteRequest request) {
        String key = request.getThread() + request.getMessage();
        if (done.containsKey(key)) {
            return reply(Outcome.REPEATED, done.getOrDefault(key, List.of()), letters.get(key));
        }
        if (answer != null && !request.getSawAnswer()) {
            return reply(Outcome.BEGIN_AGAIN, List.of(), null);
        }
        completed.add(request);
        List<Emission> emissions = new ArrayList<>();
        for (Output output : request.getOutputsList()) {
            apply(request, output, emissions);
        }
        done.put(key, emissions);
        if (request.hasLetter()) {
            letters.put(key, request.getLetter());
        }
        return reply(Outcome.ACCEPTED, emissions, letters.get(key));
    }

    @Override
    public ParkReply park(ParkRequest request) {
        parked.add(request);
        boolean done = this.done.containsKey(request.getThread() + request.getMessage());
        return ParkReply.newBuilder()
                .setOutcome(done ? Outcome.REPEATED : Outcome.ACCEPTED)
                .build();
    }

    @Override
    public DueReply due(DueRequest request) {
        throw new UnavailableException("nothing is due here");
    }

    @Override
    public AwaitedReply awaited(AwaitedRequest request) {
        throw new UnavailableException("nobody is asked here");
    }

    @Override
    public void stops(Consumer<Stop> listener) {
        throw new UnavailableException("nothing stops here");
    }

    @Override
    public ReadReply read(ReadRequest request) {
        return ReadReply.newBuilder()
                .addAllSlots(slots.stream()
                        .filter(s -> s.getThread().equals(request.getThread()) && s.getSequence() > request.getAfter())
                        .toList())
                .build();
    }

    private void apply(CompleteRequest request, Output output, List<Emission> emissions) {
        Opened self = threads.getOrDefault(request.getThread(), new Opened("", "", "", ""));
        slots.add(Slot.newBuilder()
                .setSequence(slots.size() + 1)
                .setMessage(output.getMessage())
                .setThread(output.getThread())
                .setCause(request.getMessage())
                .setFrom(output.getFrom())
                .setTo(output.getTo())
                .setEnvelope(output.getEnvelope())
                .build());
        if (request.getFailed()) {
            ended = true;
            return;
        }
        if (output.getKind() == Kind.FORWARD && !output.getThread().equals(request.getThread())) {
            threads.put(
                    output.getThread(),
                    new Opened(output.getTo(), self.listener(), request.getThread(), request.getThread()));
            openCalls.computeIfAbsent(request.getThread(), _ -> new HashSet<>()).add(output.getThread());
        }
        if (output.getKind() == Kind.HAND_OVER) {
            threads.put(
                    output.getThread(), new Opened(output.getTo(), self.caller(), self.callerThread(), self.parent()));
            openCalls.values().forEach(calls -> {
                if (calls.remove(request.getThread())) {
                    calls.add(output.getThread());
                }
            });
            closed.add(request.getThread());
        }
        if (output.getKind() == Kind.RESPOND) {
            openCalls.values().forEach(calls -> calls.remove(request.getThread()));
            if (self.callerThread().equals(request.getConversation())
                    && !threads.values().stream().anyMatch(t -> t.listener().equals(self.caller()))) {
                ended = true;
                return;
            }
            closed.add(request.getThread());
        }
        emissions.add(Emission.newBuilder()
                .setMessage(output.getMessage())
                .setThread(output.getThread())
                .setEnvelope(output.getEnvelope())
                .setConversation(request.getConversation())
                .setTurn(turn)
                .setCause(request.getMessage())
                .setOrganismVersion(version)
                .build());
    }

    private List<Slot> history(BeginRequest request) {
        return slots.stream()
                .filter(s -> !s.getMessage().equals(request.getMessage()))
                .filter(s ->
                        s.getThread().equals(request.getThread()) || s.getFrom().equals(request.getTo()))
                .limit(Math.max(0, request.getHistorySlots()))
                .toList();
    }

    private Slot slot(BeginRequest request) {
        return Slot.newBuilder()
                .setSequence(slots.size() + 1)
                .setMessage(request.getMessage())
                .setThread(request.getThread())
                .setFrom(request.getFrom())
                .setTo(request.getTo())
                .setEnvelope(request.getEnvelope())
                .build();
    }

    private static CompleteReply reply(Outcome outcome, List<Emission> emissions, @Nullable Letter letter) {
        CompleteReply.Builder reply =
                CompleteReply.newBuilder().setOutcome(outcome).addAllEmissions(emissions);
        if (letter != null) {
            reply.setLetter(letter);
        }
        return reply.build();
    }
}
