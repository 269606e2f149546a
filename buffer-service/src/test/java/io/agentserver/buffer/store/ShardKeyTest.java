package io.agentserver.buffer.store;

import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Path;
import java.util.HexFormat;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** By the file that other implementations read. */
class ShardKeyTest {
    private static final JsonNode VECTORS =
            JsonMapper.shared().readTree(Path.of("../common-envelope/samples/shard-keys.json"));

    static Stream<JsonNode> hashes() {
        return VECTORS.path("hashes").valueStream();
    }

    static Stream<JsonNode> conversations() {
        return VECTORS.path("conversations").valueStream();
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void is_murmur3(JsonNode vector) {
        byte[] bytes = HexFormat.of().parseHex(vector.path("bytes").stringValue());
        assertThat(HexFormat.of().toHexDigits(ShardKey.murmur3(bytes)))
                .isEqualTo(vector.path("murmur3").stringValue());
    }

    @ParameterizedTest
    @MethodSource("conversations")
    void is_taken_unsigned_modulo_the_shards(JsonNode vector) {
        ThreadId conversation = ThreadId.parse(vector.path("id").stringValue());
        assertThat(ShardKey.of(conversation, ShardKey.SHARDS))
                .isEqualTo(vector.path("shard").intValue());
    }

    @Test
    void there_are_as_many_shards_as_the_file_says() {
        assertThat(ShardKey.SHARDS).isEqualTo(VECTORS.path("shards").intValue());
    }

    @Test
    void refuses_what_it_does_not_implement() {
        assertThatThrownBy(() -> ShardKey.murmur3(new byte[5])).hasMessageContaining("<5>");
    }
}
