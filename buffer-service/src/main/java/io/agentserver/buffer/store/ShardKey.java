package io.agentserver.buffer.store;

import io.agentserver.envelope.ThreadId;

import java.nio.ByteBuffer;

/**
 * A conversation's shard: Murmur3, x86, 32 bits, seed 0, over the 16 bytes of the id, taken unsigned, modulo the number of
 * shards. A label for indexes, sweeps and wake-up channels; it places no data. Test vectors for other implementations are in
 * {@code common-envelope/samples/shard-keys.json}.
 */
public final class ShardKey {
    public static final int SHARDS = 16;

    private ShardKey() {}

    /** @return 0 to {@code shards - 1} */
    public static int of(ThreadId conversation, int shards) {
        byte[] bytes = ByteBuffer.allocate(16)
                .putLong(conversation.value().getMostSignificantBits())
                .putLong(conversation.value().getLeastSignificantBits())
                .array();
        return Integer.remainderUnsigned(murmur3(bytes), shards);
    }

    /** MurmurHash3_x86_32 with seed 0 (https://github.com/aappleby/smhasher), for whole 4-byte blocks. */
    static int murmur3(byte[] bytes) {
        if (bytes.length % 4 != 0) {
            throw new IllegalArgumentException("length: <" + bytes.length + "> is not a multiple of 4");
        }
        int hash = 0;
        for (int i = 0; i < bytes.length; i += 4) {
            int block = (bytes[i] & 0xff)
                    | (bytes[i + 1] & 0xff) << 8
                    | (bytes[i + 2] & 0xff) << 16
                    | (bytes[i + 3] & 0xff) << 24;
            hash ^= Integer.rotateLeft(block * 0xcc9e2d51, 15) * 0x1b873593;
            hash = Integer.rotateLeft(hash, 13) * 5 + 0xe6546b64;
        }
        hash ^= bytes.length;
        hash = (hash ^ hash >>> 16) * 0x85ebca6b;
        hash = (hash ^ hash >>> 13) * 0xc2b2ae35;
        return hash ^ hash >>> 16;
    }
}
