package io.agentserver.buffer.journal;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.commit.Brief;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.Tokens;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * What {@link ConversationView#brief} will say when a commit has been applied, worked out before it is written. Confined to one commit.
 */
final class BriefAfter {
    private final JournalState before;
    private final Set<MessageKey> leftQueue = new HashSet<>();
    private final List<MessageKey> joinedQueue = new ArrayList<>();
    private boolean queueIsEmptied;
    private @Nullable MessageId openTurn;
    private TurnState lastEnded;
    private long inputTokens;
    private long outputTokens;
    private String to;
    private long slots;
    private long bytes;

    private BriefAfter(JournalState before) {
        this.before = before;
        this.openTurn = before.openTurn().map(turn -> turn.id).orElse(null);
        this.lastEnded = ConversationView.lastEnded(before);
        this.inputTokens = before.tokens().getInput();
        this.outputTokens = before.tokens().getOutput();
        this.slots = before.slots().size();
        this.bytes = before.bytes();
        this.to = before.slots().isEmpty() ? "" : before.slots().getFirst().getTo();
    }

    /** @param next the one that follows this state; it erases nothing */
    static Brief of(JournalState before, Commit.Builder next) {
        BriefAfter after = new BriefAfter(before);
        next.getChangesList().forEach(after::apply);
        return after.build(next.getAtMs());
    }

    /** What a commit's brief says; empty: an older buffer wrote it. */
    static Optional<Conversation> read(ThreadId conversation, Commit last) {
        if (!last.hasBrief()) {
            return Optional.empty();
        }
        Brief brief = last.getBrief();
        return Optional.of(Conversation.newBuilder()
                .setId(conversation.toString())
                .setState(brief.getState())
                .setCreatedAtMs(brief.getCreatedAtMs())
                .setLastActivityMs(last.getAtMs())
                .setLastSequence(last.getSequenceBefore()
                        + last.getChangesList().stream()
                                .filter(Change::hasEntry)
                                .count())
                .setOpenTurn(text(brief.getOpenTurn()))
                .setTokens(brief.getTokens())
                .setTo(brief.getTo())
                .setKeptSlots(brief.getSlots())
                .setKeptBytes(brief.getBytes())
                .build());
    }

    private void apply(Change change) {
        switch (change.getWhatCase()) {
            case ENTRY -> {
                enter(change.getEntry().getSlot());
                slots++;
                bytes += change.getEntry().getSlot().getSerializedSize();
            }
            case TURN_OPENED -> {
                openTurn = MessageId.parse(change.getTurnOpened().getTurn());
                leftQueue.add(new MessageKey(before.conversation(), openTurn));
            }
            case TURN_ENDED -> {
                openTurn = null;
                lastEnded = change.getTurnEnded().getState();
            }
            case COMPLETED -> {
                inputTokens += change.getCompleted().getTokens().getInput();
                outputTokens += change.getCompleted().getTokens().getOutput();
            }
            case CANCELLED -> {
                if (queue().findFirst().isPresent()) {
                    lastEnded = TurnState.TURN_CANCELLED;
                }
                queueIsEmptied = true;
                joinedQueue.clear();
            }
            case THREAD_OPENED,
                    THREAD_CLOSED,
                    CALL_ENDED,
                    RELEASED,
                    PARKED,
                    UNPARKED,
                    WAITING,
                    ANSWERED,
                    ERASED,
                    WHAT_NOT_SET -> {
                // no list shows it
            }
        }
    }

    private void enter(Slot slot) {
        MessageKey key = MessageKey.of(slot);
        if (to.isEmpty()) {
            to = slot.getTo();
        }
        if (before.find(key).isPresent() && queue().anyMatch(key::equals)) {
            leftQueue.add(key); // it is displaced
            lastEnded = TurnState.TURN_FAILED;
        }
        if (slot.getCause().isEmpty() && slot.getState() == SlotState.QUEUED) {
            joinedQueue.add(key);
        } else if (slot.getCause().isEmpty() && slot.getState() == SlotState.DROPPED) {
            lastEnded = TurnState.TURN_CANCELLED;
        }
    }

    private Stream<MessageKey> queue() {
        Stream<MessageKey> old = queueIsEmptied ? Stream.empty() : before.queue().stream();
        return Stream.concat(old, joinedQueue.stream()).filter(key -> !leftQueue.contains(key));
    }

    private Brief build(long atMs) {
        Optional<MessageId> open =
                Optional.ofNullable(openTurn).or(() -> queue().findFirst().map(MessageKey::message));
        return Brief.newBuilder()
                .setState(ConversationView.how(open.isPresent(), lastEnded))
                .setCreatedAtMs(before.number() == 0 ? atMs : before.createdAtMs())
                .setOpenTurn(open.map(BriefAfter::bytes).orElse(ByteString.EMPTY))
                .setTokens(Tokens.newBuilder().setInput(inputTokens).setOutput(outputTokens))
                .setTo(to)
                .setSlots(slots)
                .setBytes(bytes)
                .build();
    }

    private static ByteString bytes(MessageId id) {
        ByteBuffer bytes = ByteBuffer.allocate(16)
                .putLong(id.value().getMostSignificantBits())
                .putLong(id.value().getLeastSignificantBits());
        return ByteString.copyFrom(bytes.flip());
    }

    private static String text(ByteString id) {
        if (id.isEmpty()) {
            return "";
        }
        ByteBuffer bytes = id.asReadOnlyByteBuffer();
        return new UUID(bytes.getLong(), bytes.getLong()).toString();
    }
}
