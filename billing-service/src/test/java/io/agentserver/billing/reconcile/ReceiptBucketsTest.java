package io.agentserver.billing.reconcile;

import io.agentserver.billing.reconcile.Testimony.Place;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

class ReceiptBucketsTest {
    @TempDir
    Path directory;

    private final long seed = Long.getLong("receipts.seed", System.nanoTime());

    @Test
    void bring_together_what_is_said_of_each_receipt_with_room_for_few() {
        System.out.println("seed: -Dreceipts.seed=" + seed);
        Random random = new Random(seed);
        Map<UUID, Long> prices = new HashMap<>();
        Map<UUID, Receipt> found = new HashMap<>();
        try (ReceiptBuckets buckets = new ReceiptBuckets(directory, 10)) {
            for (int i = 0; i < 5_000; i++) {
                UUID receipt = new UUID(random.nextLong(), random.nextLong());
                prices.put(receipt, random.nextLong());
                buckets.add(new Testimony(receipt, Place.SLOT, "t", 0, false, "slot " + i));
            }
            prices.forEach((receipt, price) -> buckets.add(usage(receipt, price)));
            prices.forEach((receipt, price) -> buckets.add(usage(receipt, price + 1)));
            prices.forEach(
                    (receipt, price) -> buckets.add(new Testimony(receipt, Place.LEDGER, "t", price, true, null)));

            buckets.forEach((receipt, places) ->
                    assertThat(found.put(receipt, places)).as("each once").isNull());

            assertThat(buckets.largest()).as("in memory at once").isBetween(1, 10);
        }
        assertThat(found.keySet()).isEqualTo(prices.keySet());
        found.forEach((receipt, places) -> {
            assertThat(places.slot()).isNotNull();
            assertThat(places.usage()).as("the first").isEqualTo(usage(receipt, prices.getOrDefault(receipt, 0L)));
            assertThat(places.posted())
                    .isNotNull()
                    .extracting(Testimony::recent)
                    .isEqualTo(true);
        });
        assertThat(directory).as("nothing is left").isEmptyDirectory();
    }

    @Test
    void one_receipt_that_is_told_of_again_and_again_takes_no_more_room() {
        UUID receipt = UUID.randomUUID();
        try (ReceiptBuckets buckets = new ReceiptBuckets(directory, 1)) {
            for (int i = 0; i < 1_000; i++) {
                buckets.add(usage(receipt, i));
            }
            buckets.forEach((_, places) -> assertThat(places.usage()).isEqualTo(usage(receipt, 0)));
            assertThat(buckets.largest()).isEqualTo(1);
        }
    }

    @Test
    void a_failure_in_the_middle_leaves_no_files() {
        try (ReceiptBuckets buckets = new ReceiptBuckets(directory, 1)) {
            buckets.add(usage(UUID.randomUUID(), 1));
        }
        assertThat(directory).isEmptyDirectory();
    }

    private static Testimony usage(UUID receipt, long price) {
        return new Testimony(receipt, Place.USAGE, "t", price, false, null);
    }
}
