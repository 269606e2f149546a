package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.Emission;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

class DueInHandTest {
    private final AtomicLong nanos = new AtomicLong();
    private final DueInHand hand = new DueInHand(nanos::get);

    @Test
    void says_what_it_holds_and_what_is_done_until_that_was_heard() {
        DueItem one = item("acme", "k1");
        hand.take(one);
        hand.take(item("acme", "k2"));
        assertThat(hand.take(one)).as("handed out twice").isFalse();
        assertThat(hand.asking(10).getHeldList()).containsExactlyInAnyOrder("k1", "k2");

        hand.ended(one, true);
        assertThat(hand.asking(10).getDoneList()).containsExactly("k1");
        assertThat(hand.asking(10).getDoneList())
                .as("it is not known to be heard")
                .containsExactly("k1");
        assertThat(hand.asking(10).getHeldList()).containsExactly("k2");
        hand.said(hand.asking(10).getDoneList());
        assertThat(hand.asking(10).getDoneList()).isEmpty();
    }

    @Test
    void a_tenant_has_its_share_and_a_handful_while_its_last_item_failed() {
        DueItem first = item("acme", "k0");
        hand.take(first);
        for (int i = 1; i < DueInHand.OF_ONE_TENANT; i++) {
            assertThat(hand.take(item("acme", "k" + i))).isTrue();
        }
        assertThat(hand.take(item("acme", "one more"))).isFalse();
        assertThat(hand.take(item("other", "another"))).isTrue();
        assertThat(hand.asking(10).getFullList()).containsExactly("acme");

        for (int i = 1; i < DueInHand.OF_ONE_TENANT; i++) {
            hand.ended(item("acme", "k" + i), false);
        }
        hand.take(item("acme", "a"));
        hand.take(item("acme", "b"));
        assertThat(hand.asking(10).getFullList()).isEmpty();
        hand.take(item("acme", "c"));
        assertThat(hand.asking(10).getFullList()).containsExactly("acme");

        hand.ended(first, true);
        assertThat(hand.asking(10).getFullList()).isEmpty();
    }

    @Test
    void what_failed_is_put_aside_for_a_while() {
        DueItem item = item("acme", "k");
        hand.take(item);
        hand.ended(item, false);
        assertThat(hand.take(item)).isFalse();
        assertThat(hand.asking(10).getHeldList()).containsExactly("k");
        assertThat(hand.asking(10).getDoneList()).isEmpty();

        nanos.addAndGet(Duration.ofSeconds(10).toNanos());
        assertThat(hand.asking(10).getHeldList()).isEmpty();
        assertThat(hand.take(item)).isTrue();
    }

    @Test
    void asks_for_no_more_than_it_has_room_for_in_number_and_in_bytes() {
        for (int i = 0; i < DueInHand.MOST - 5; i++) {
            hand.take(item("tenant-" + i % 20, "k" + i));
        }
        assertThat(hand.asking(200).getLimit()).isEqualTo(5);
        assertThat(hand.asking(3).getLimit()).isEqualTo(3);

        DueInHand large = new DueInHand(nanos::get);
        for (int i = 0; i < 4; i++) {
            assertThat(large.take(large("tenant-" + i))).isTrue();
            assertThat(large.take(item("tenant-" + i, "small-" + i)))
                    .as("its share of bytes")
                    .isFalse();
        }
        assertThat(large.asking(200).getLimit()).isZero();
    }

    private static DueItem item(String tenant, String key) {
        return DueItem.newBuilder().setTenant(tenant).setKey(key).build();
    }

    private static DueItem large(String tenant) {
        return DueItem.newBuilder()
                .setTenant(tenant)
                .setKey(tenant)
                .addEmissions(Emission.newBuilder().setEnvelope("x".repeat(8 * 1024 * 1024)))
                .build();
    }
}
