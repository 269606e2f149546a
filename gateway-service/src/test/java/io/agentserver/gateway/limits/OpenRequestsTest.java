package io.agentserver.gateway.limits;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class OpenRequestsTest {
    private final OpenRequests requests = new OpenRequests(8);

    @Test
    void one_tenant_has_half_of_the_places_and_another_finds_one() {
        for (int i = 0; i < 4; i++) {
            assertThat(requests.enter("a").isThere()).isTrue();
        }
        try (OpenRequests.Place refused = requests.enter("a")) {
            assertThat(refused.isThere()).isFalse();
            try (OpenRequests.Place another = requests.enter("b")) {
                assertThat(another.isThere()).isTrue();
                assertThat(requests.open()).isEqualTo(5);
            }
        }
        assertThat(requests.open())
                .as("a place that was not had is not given back")
                .isEqualTo(4);
    }

    @Test
    void fewer_may_wait_than_be_open_and_a_place_waits_once() {
        OpenRequests.Place first = requests.enter("");
        assertThat(first.mayWait("a")).isTrue();
        assertThat(first.mayWait("a")).isTrue();
        assertThat(requests.waiting()).isEqualTo(1);
        requests.enter("").mayWait("a");
        requests.enter("").mayWait("a");
        try (OpenRequests.Place fourth = requests.enter("a")) {
            assertThat(fourth.isThere()).isTrue();
            assertThat(fourth.mayWait("a")).isFalse();
        }
        assertThat(requests.waiting()).isEqualTo(3);
        first.close();
        first.close();
        assertThat(requests.waiting()).isEqualTo(2);
        assertThat(requests.open()).isEqualTo(2);
    }
}
