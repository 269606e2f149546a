package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.KeptAmounts;
import io.agentserver.buffer.store.ShardKey;

import java.time.Clock;
import java.time.Duration;
import java.util.Map;

/** What this process has journalled that is still kept: slots, and bytes of commits, by tenant and by shard. Safe on any thread. */
public final class KeptVolume {
    private final Clock clock;
    private final KeptAmounts tenantSlots = new KeptAmounts();
    private final KeptAmounts tenantBytes = new KeptAmounts();
    private final KeptAmounts shardSlots = new KeptAmounts();
    private final KeptAmounts shardBytes = new KeptAmounts();

    KeptVolume(Clock clock) {
        this.clock = clock;
    }

    /** @param kept for how long stores keep it */
    void add(ConversationKey key, long slots, long bytes, Duration kept) {
        long nowMs = clock.millis();
        String tenant = key.tenant().value();
        String shard = Integer.toString(ShardKey.of(key.conversation(), ShardKey.SHARDS));
        tenantSlots.add(tenant, slots, kept, nowMs);
        tenantBytes.add(tenant, bytes, kept, nowMs);
        shardSlots.add(shard, slots, kept, nowMs);
        shardBytes.add(shard, bytes, kept, nowMs);
    }

    public Map<String, Double> slotsByTenant() {
        return tenantSlots.byName(clock.millis());
    }

    public Map<String, Double> bytesByTenant() {
        return tenantBytes.byName(clock.millis());
    }

    public double slotsOfShard(int shard) {
        return shardSlots.sum(Integer.toString(shard), clock.millis());
    }

    public double bytesOfShard(int shard) {
        return shardBytes.sum(Integer.toString(shard), clock.millis());
    }
}
