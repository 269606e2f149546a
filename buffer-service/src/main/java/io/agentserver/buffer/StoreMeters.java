package io.agentserver.buffer;

import io.agentserver.buffer.journal.KeptVolume;
import io.agentserver.buffer.journal.Pruner;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.TieredThreadStore;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

import java.util.function.ToDoubleFunction;

/** What the stores do, and how much is in them. Tenants are not told apart here, shards are. */
final class StoreMeters implements MeterBinder {
    private final ThreadStore store;
    private final Pruner pruner;
    private final KeptVolume kept;

    StoreMeters(ThreadStore store, Pruner pruner, KeptVolume kept) {
        this.store = store;
        this.pruner = pruner;
        this.kept = kept;
    }

    @Override
    public void bindTo(MeterRegistry meters) {
        FunctionCounter.builder("agentserver.prune", pruner, Pruner::pruned)
                .description("conversations whose closed threads were freed in the hot store")
                .register(meters);
        FunctionCounter.builder("agentserver.prune.failures", pruner, Pruner::failures)
                .description("conversations whose closed threads could not be freed")
                .register(meters);
        FunctionCounter.builder("agentserver.prune.freed.bytes", pruner, Pruner::freedBytes)
                .description("bytes of the hot store that pruning freed")
                .register(meters);
        for (int shard = 0; shard < ShardKey.SHARDS; shard++) {
            int which = shard;
            shard(meters, "agentserver.buffer.shard.slots", "slots of a shard", which, its -> its.slotsOfShard(which));
            shard(meters, "agentserver.buffer.shard.bytes", "bytes of a shard", which, its -> its.bytesOfShard(which));
        }
        if (store instanceof TieredThreadStore tiered) {
            FunctionCounter.builder("agentserver.buffer.refills", tiered, TieredThreadStore::refills)
                    .description("how often Redis lacked commits that DynamoDB had")
                    .register(meters);
            reads(meters, tiered, "hot", TieredThreadStore::hotReads);
            reads(meters, tiered, "durable", TieredThreadStore::missedReads);
            reads(meters, tiered, "certain", TieredThreadStore::certainReads);
        }
    }

    private void shard(
            MeterRegistry meters, String name, String description, int shard, ToDoubleFunction<KeptVolume> amount) {
        Gauge.builder(name, kept, amount)
                .tag("shard", Integer.toString(shard))
                .description(description + " that this process has journalled and that are still kept")
                .register(meters);
    }

    private static void reads(
            MeterRegistry meters, TieredThreadStore store, String from, ToDoubleFunction<TieredThreadStore> count) {
        FunctionCounter.builder("agentserver.buffer.reads", store, count)
                .tag("from", from)
                .description("reads of journals by what answered")
                .register(meters);
    }
}
