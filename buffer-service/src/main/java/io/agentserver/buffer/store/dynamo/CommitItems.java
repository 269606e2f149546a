package io.agentserver.buffer.store.dynamo;

import com.google.protobuf.InvalidProtocolBufferException;
import io.agentserver.buffer.commit.Answered;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.envelope.Ids;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * A commit as attributes: {@code commit}, its binary form without the envelopes and late answers, and {@code envelopes}, their
 * texts, so that people can read them in the table. Texts of more than 350 KB in all, which no item of DynamoDB's 400 KB would hold, are
 * joined, cut and named by {@code body}, {@code parts} and {@code lengths} instead.
 */
final class CommitItems {
    static final String COMMIT = "commit";
    static final int INLINE_BYTES = 350_000;
    /** In chars, of at most 3 bytes each in UTF-8. */
    private static final int PART_CHARS = 110_000;

    private CommitItems() {}

    /** @param bodies texts to be written under {@code body#<id>#<part>} before the item */
    record Written(Map<String, AttributeValue> attributes, String body, List<String> bodies) {
        Written {
            attributes = Map.copyOf(attributes);
            bodies = List.copyOf(bodies);
        }
    }

    static Written write(Commit commit) {
        List<String> envelopes = new ArrayList<>();
        Commit bare = mapEnvelopes(commit, envelope -> {
            envelopes.add(envelope);
            return "";
        });
        Map<String, AttributeValue> attributes = new HashMap<>();
        attributes.put(COMMIT, AttributeValue.fromB(SdkBytes.fromByteArrayUnsafe(bare.toByteArray())));
        if (commit.getSerializedSize() <= INLINE_BYTES) {
            attributes.put(
                    "envelopes",
                    AttributeValue.fromL(
                            envelopes.stream().map(AttributeValue::fromS).toList()));
            return new Written(attributes, "", List.of());
        }
        List<String> parts = cut(String.join("", envelopes));
        String body = Ids.v7().toString();
        attributes.put("body", AttributeValue.fromS(body));
        attributes.put("parts", AttributeValue.fromN(Integer.toString(parts.size())));
        attributes.put(
                "lengths",
                AttributeValue.fromL(envelopes.stream()
                        .map(text -> AttributeValue.fromN(Integer.toString(text.length())))
                        .toList()));
        return new Written(attributes, body, parts);
    }

    /**
     * Empty: its texts are gone.
     *
     * @param readBody gives the text of {@code body#<id>#…}, of so many parts
     */
    static Optional<Commit> read(
            Map<String, AttributeValue> attributes, BiFunction<String, Integer, Optional<String>> readBody) {
        List<String> envelopes = new ArrayList<>();
        AttributeValue inline = attributes.get("envelopes");
        if (inline != null) {
            inline.l().forEach(text -> envelopes.add(text.s()));
        } else {
            Optional<String> body = readBody.apply(
                    attribute(attributes, "body").s(),
                    Integer.valueOf(attribute(attributes, "parts").n()));
            if (body.isEmpty()) {
                return Optional.empty();
            }
            String text = body.get();
            int at = 0;
            for (AttributeValue length : attribute(attributes, "lengths").l()) {
                int end = at + Integer.parseInt(length.n());
                envelopes.add(text.substring(at, end));
                at = end;
            }
        }
        var next = envelopes.iterator();
        return Optional.of(mapEnvelopes(bare(attributes), _ -> next.next()));
    }

    /** Without the texts. */
    static Commit bare(Map<String, AttributeValue> attributes) {
        return parse(attribute(attributes, COMMIT).b().asByteArrayUnsafe());
    }

    /** Of a commit whose texts are gone: where the conversation goes on. */
    static Commit remains(Map<String, AttributeValue> attributes) {
        Commit commit = bare(attributes);
        return Commit.newBuilder()
                .setNumber(commit.getNumber())
                .setAtMs(commit.getAtMs())
                .setSequenceBefore(lastSequence(commit))
                .setKeptUntilMs(commit.getKeptUntilMs())
                .build();
    }

    /** The conversation's last sequence after a commit. */
    static long lastSequence(Commit commit) {
        return commit.getSequenceBefore()
                + commit.getChangesList().stream().filter(Change::hasEntry).count();
    }

    private static Commit mapEnvelopes(Commit commit, UnaryOperator<String> map) {
        Commit.Builder mapped = commit.toBuilder();
        for (int i = 0; i < commit.getChangesCount(); i++) {
            Change change = commit.getChanges(i);
            if (change.hasEntry()) {
                Entry.Builder entry = change.getEntry().toBuilder();
                entry.getSlotBuilder()
                        .setEnvelope(map.apply(change.getEntry().getSlot().getEnvelope()));
                mapped.setChanges(i, Change.newBuilder().setEntry(entry));
            } else if (change.hasAnswered()) {
                Answered.Builder answered = change.getAnswered().toBuilder();
                answered.getAnswerBuilder()
                        .setContent(map.apply(change.getAnswered().getAnswer().getContent()));
                mapped.setChanges(i, Change.newBuilder().setAnswered(answered));
            }
        }
        return mapped.build();
    }

    private static List<String> cut(String text) {
        List<String> parts = new ArrayList<>();
        for (int at = 0; at < text.length(); ) {
            int end = Math.min(text.length(), at + PART_CHARS);
            if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
                end--; // half a character is no text
            }
            parts.add(text.substring(at, end));
            at = end;
        }
        return parts;
    }

    private static AttributeValue attribute(Map<String, AttributeValue> attributes, String name) {
        AttributeValue value = attributes.get(name);
        if (value == null) {
            throw new IllegalStateException("an item of the table threads has no attribute " + name);
        }
        return value;
    }

    private static Commit parse(byte[] bytes) {
        try {
            return Commit.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("an item of the table threads holds a value that is no commit", e);
        }
    }
}
