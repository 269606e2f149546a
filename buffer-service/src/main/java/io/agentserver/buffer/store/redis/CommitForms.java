package io.agentserver.buffer.store.redis;

import com.google.protobuf.CodedInputStream;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.Pruning;

import java.io.IOException;
import java.util.Optional;

/**
 * What an element of a conversation's list may be: a commit; a pruned one, which begins with a zero byte, as no commit does, so
 * that a buffer which does not know of pruning takes it for broken and asks DynamoDB; or nothing, where the place is kept.
 */
final class CommitForms {
    private static final byte PRUNED = 0;
    private static final byte[] NOTHING = {};

    private CommitForms() {}

    /** Empty: its place is kept. */
    static Optional<Commit> read(String list, byte[] value) {
        if (value.length == 0) {
            return Optional.empty();
        }
        int from = value[0] == PRUNED ? 1 : 0;
        try {
            return Optional.of(Commit.parseFrom(CodedInputStream.newInstance(value, from, value.length - from)));
        } catch (IOException e) {
            throw new IllegalStateException(list + " in Redis holds a value that is no commit", e);
        }
    }

    /** Empty: there is none. */
    static Optional<byte[]> shorter(String list, byte[] value, Pruning pruning) {
        return read(list, value)
                .map(commit -> pruning.isPastUse(commit) ? NOTHING : pruned(commit, pruning.prune(commit), value))
                .filter(form -> form.length < value.length);
    }

    private static byte[] pruned(Commit whole, Commit pruned, byte[] value) {
        if (pruned.equals(whole)) {
            return value;
        }
        byte[] form = new byte[1 + pruned.getSerializedSize()];
        form[0] = PRUNED;
        byte[] commit = pruned.toByteArray();
        System.arraycopy(commit, 0, form, 1, commit.length);
        return form;
    }
}
