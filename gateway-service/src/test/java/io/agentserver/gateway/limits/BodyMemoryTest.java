package io.agentserver.gateway.limits;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class BodyMemoryTest {
    private final BodyMemory memory = new BodyMemory(100);

    @Test
    void one_owner_has_at_most_half_and_all_together_the_whole() {
        try (BodyMemory.Share first = memory.share("a");
                BodyMemory.Share second = memory.share("a");
                BodyMemory.Share other = memory.share("b")) {
            assertThat(first.take(30)).isTrue();
            assertThat(second.take(21)).isFalse();
            assertThat(second.take(20)).isTrue();
            assertThat(other.take(50)).isTrue();
            assertThat(memory.share("c").take(1)).isFalse();
            assertThat(memory.held()).isEqualTo(100);
        }
        assertThat(memory.held()).isZero();
    }

    @Test
    void what_is_given_back_is_anothers_and_is_given_back_once() {
        try (BodyMemory.Share share = memory.share("a")) {
            assertThat(share.take(50)).isTrue();
            share.giveBack(40);
            assertThat(memory.held()).isEqualTo(10);
            assertThat(memory.share("a").take(40)).isTrue();
        }
        assertThat(memory.held()).isEqualTo(40);
    }
}
