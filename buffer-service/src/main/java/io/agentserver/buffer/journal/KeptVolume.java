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
    private final KeptAmounts tenantSlots;
    private final KeptAmounts tenantBytes;
    private final KeptAmounts shardSlots;
    private final KeptAmounts shardBytes;

    KeptVolume(Duration ttl, Clock clock) {
        this.clock = clock;
        this.tenantSlots = new KeptAmounts(ttl);
        this.tenantBytes = new KeptAmounts(ttl);
        this.shardSlots = new KeptAmounts(ttl);
        this.shardBytes = new KeptAmounts(ttl);
    }

    void add(ConversationKey key, long slots, long bytes) {
        long nowMs = clock.millis();
        String tenant = key.tenant().value();
        String shard = Integer.toString(ShardKey.of(key.conversation(), ShardKey.SHARDS));
        tenantSlots.add(tenant, slots, nowMs);
        tenantBytes.add(tenant, bytes, nowMs);
        shardSlots.add(shard, slots, nowMs);
        shardBytes.add(shard, bytes, nowMs);
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
