package io.agentserver.router;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class CallMemoryTest {
    private final CallMemory memory = new CallMemory(1_200);

    @Test
    void one_tenant_leaves_room_for_another() {
        CallMemory.Share big = memory.share(TestPlatform.ACME);
        assertThat(big.body(200)).isTrue();
        CallMemory.Share more = memory.share(TestPlatform.ACME);
        assertThat(more.body(1)).isFalse();
        CallMemory.Share other = memory.share(TestPlatform.GLOBEX);
        assertThat(other.body(100)).isTrue();
        assertThat(memory.held()).isEqualTo(900);
        big.close();
        other.close();
        more.close();
        assertThat(memory.held()).isZero();
    }

    @Test
    void gives_back_what_was_announced_and_did_not_come() {
        CallMemory.Share share = memory.share(TestPlatform.ACME);
        assertThat(share.body(1_000_000))
                .as("as much as one may have, when all is quiet")
                .isTrue();
        assertThat(memory.held()).isEqualTo(600);
        share.bodyIs(10);
        assertThat(memory.held()).isEqualTo(30);
        share.bodyIs(11);
        assertThat(memory.held()).isEqualTo(30);
        share.close();
        share.close();
        assertThat(memory.held()).isZero();
    }

    @Test
    void holds_for_the_vectors_that_are_asked_for_too() {
        CallMemory large = new CallMemory(10 * 1024 * 1024);
        CallMemory.Share share = large.share(TestPlatform.ACME);
        assertThat(share.body(1_000)).isTrue();
        assertThat(share.vectors(16)).isTrue();
        assertThat(large.held()).isEqualTo(3_000 + 1024 * 1024);
        CallMemory.Share second = large.share(TestPlatform.ACME);
        assertThat(second.vectors(2_048)).isFalse();
        share.close();
        assertThat(second.vectors(2_048)).isTrue();
        second.close();
        assertThat(large.held()).isZero();
    }
}
