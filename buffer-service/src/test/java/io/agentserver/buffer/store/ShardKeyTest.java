package io.agentserver.buffer.store;

import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.HexFormat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ShardKeyTest {
    /** The first three are widely published ones of MurmurHash3_x86_32 with seed 0; the rest come from another implementation. */
    @ParameterizedTest
    @CsvSource({
        "ffffffff, 76293b50",
        "21436587, f55b516b",
        "00000000, 2362f9de",
        "00000000000000000000000000000000, 8134cdf8",
        "0199c0de7a1170008000000000000001, 90bf79cc",
        "ffffffffffffffffffffffffffffffff, e519346e"
    })
    void is_murmur3(String bytes, String hash) {
        assertThat(HexFormat.of().toHexDigits(ShardKey.murmur3(HexFormat.of().parseHex(bytes))))
                .isEqualTo(hash);
    }

    @ParameterizedTest
    @CsvSource({
        "00000000-0000-0000-0000-000000000000, 8",
        "0199c0de-7a11-7000-8000-000000000001, 12",
        "ffffffff-ffff-ffff-ffff-ffffffffffff, 14"
    })
    void is_taken_unsigned_modulo_the_shards(String conversation, int shard) {
        assertThat(ShardKey.of(ThreadId.parse(conversation), 16)).isEqualTo(shard);
    }

    @Test
    void refuses_what_it_does_not_implement() {
        assertThatThrownBy(() -> ShardKey.murmur3(new byte[5])).hasMessageContaining("<5>");
    }
}
