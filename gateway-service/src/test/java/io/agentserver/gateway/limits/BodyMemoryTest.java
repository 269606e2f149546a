package io.agentserver.gateway.limits;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class BodyMemoryTest {
    private final BodyMemory memory = new BodyMemory(100);

    @Test
    void one_owner_has_at_most_half_two_have_a_third_each_and_a_third_finds_room() {
        try (BodyMemory.Share first = memory.share("a");
                BodyMemory.Share second = memory.share("a");
                BodyMemory.Share other = memory.share("b");
                BodyMemory.Share third = memory.share("c")) {
            assertThat(first.take(30)).isTrue();
            assertThat(second.take(21)).isFalse();
            assertThat(second.take(20)).isTrue();
            assertThat(other.take(26)).isFalse();
            assertThat(other.take(25)).isTrue();
            assertThat(first.take(1)).as("more than is left").isFalse();
            assertThat(third.take(12)).isTrue();
            assertThat(memory.held()).isEqualTo(87);
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
