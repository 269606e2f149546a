package io.agentserver.buffer.backup;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.agentserver.buffer.backup.format.SealedSegment;
import io.agentserver.buffer.backup.format.Segment;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** Commits as an object's bytes ({@code backup.proto}). */
final class SegmentFormat {
    private static final int VERSION = 1;

    private SegmentFormat() {}

    static byte[] write(ConversationKey key, long lifeMs, List<Commit> commits) {
        byte[] segment = Segment.newBuilder()
                .setTenant(key.tenant().value())
                .setConversation(key.conversation().toString())
                .setLifeMs(lifeMs)
                .addAllCommits(commits)
                .build()
                .toByteArray();
        return SealedSegment.newBuilder()
                .setVersion(VERSION)
                .setContent(ByteString.copyFrom(compressed(segment)))
                .build()
                .toByteArray();
    }

    /** @throws BrokenBackupException if it is not what the name says, or cannot be read */
    static List<Commit> read(ConversationKey key, SegmentName name, byte[] object) {
        String what = "backup of " + key + ", commits " + name.first() + " to " + name.last();
        if (!Sha256.hex(object).equals(name.sha256())) {
            throw new BrokenBackupException(what + ": its bytes have changed, their SHA-256 is another");
        }
        try {
            SealedSegment sealed = SealedSegment.parseFrom(object);
            if (sealed.getVersion() != VERSION) {
                throw new BrokenBackupException(what + " has version " + sealed.getVersion() + ", known is " + VERSION
                        + ": upgrade the buffer");
            }
            if (!sealed.getKeyId().isEmpty()) {
                throw new BrokenBackupException(
                        what + " is sealed with key " + sealed.getKeyId() + ", which this version has not");
            }
            Segment segment =
                    Segment.parseFrom(expanded(sealed.getContent().newInput().readAllBytes()));
            if (!segment.getTenant().equals(key.tenant().value())
                    || !segment.getConversation().equals(key.conversation().toString())) {
                throw new BrokenBackupException(what + " is another conversation's");
            }
            return segment.getCommitsList();
        } catch (InvalidProtocolBufferException e) {
            throw new BrokenBackupException(what + " is none", e);
        } catch (IOException e) {
            throw new BrokenBackupException(what + " cannot be read", e);
        }
    }

    private static byte[] compressed(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static byte[] expanded(byte[] bytes) throws IOException {
        try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            return gzip.readAllBytes();
        }
    }
}
