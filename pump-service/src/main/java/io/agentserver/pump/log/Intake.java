package io.agentserver.pump.log;

import java.util.HashMap;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * How much has been taken from the log and is not finished, of a partition, of a tenant, and in all; past a bound the
 * partition is full until an eighth of the bound is finished: enough that no partition is paused and resumed for each message, and so
 * little that slow handlers never go without. When all is full, it is so for tenants that have their share by
 * weight; the others may still fill theirs, up to twice the bound in all. The log is the queue: nothing is ever dropped here.
 * Not safe for threads of its own accord; {@link Lanes} guards it.
 */
final class Intake {
    private final Bound partitionBound;
    private final Bound tenantBound;
    private final Bound totalBound;
    private final ToIntFunction<String> weights;
    private final Map<Slice, Load> partitions = new HashMap<>();
    private final Map<String, Load> tenants = new HashMap<>();
    /** Of the tenants that have something here. */
    private long weightsHere;

    private final Load total = new Load();

    /** @param bytes of the records' values */
    record Bound(int messages, long bytes) {
        Bound {
            if (messages < 1 || bytes < 1) {
                throw new IllegalArgumentException(
                        "a bound of " + messages + " messages, " + bytes + " bytes: take 1 or more");
            }
        }
    }

    /** A partition. */
    record Slice(String topic, int partition) {}

    private static final class Load {
        private int messages;
        private long bytes;
        private boolean full;
        private int weight;

        void add(int count, long size) {
            messages += count;
            bytes += size;
        }

        boolean isFull(Bound bound) {
            full = full
                    ? messages > lessAnEighth(bound.messages()) || bytes > lessAnEighth(bound.bytes())
                    : messages >= bound.messages() || bytes >= bound.bytes();
            return full;
        }

        private static long lessAnEighth(long bound) {
            return bound - Math.max(1, bound / 8);
        }
    }

    Intake(Bound partition, Bound tenant, Bound total) {
        this(partition, tenant, total, _ -> 1);
    }

    /** @param weights of the tenant of a topic, 1 or more */
    Intake(Bound partition, Bound tenant, Bound total, ToIntFunction<String> weights) {
        this.weights = weights;
        this.partitionBound = partition;
        this.tenantBound = tenant;
        this.totalBound = total;
    }

    void take(Slice slice, long bytes) {
        load(slice).add(1, bytes);
        Load tenant = tenant(slice);
        if (tenant.messages == 0) {
            tenant.weight = Math.max(1, weights.applyAsInt(slice.topic()));
            weightsHere += tenant.weight;
        }
        tenant.add(1, bytes);
        total.add(1, bytes);
    }

    void release(Slice slice, long bytes) {
        load(slice).add(-1, -bytes);
        releaseOfTenant(slice, bytes);
    }

    private void releaseOfTenant(Slice slice, long bytes) {
        Load tenant = tenant(slice);
        tenant.add(-1, -bytes);
        if (tenant.messages == 0) {
            weightsHere -= tenant.weight;
        }
        total.add(-1, -bytes);
    }

    /** It is off the log, and still takes memory: it fills its partition no more, but its tenant's share. */
    void detach(Slice slice, long bytes) {
        load(slice).add(-1, -bytes);
    }

    /** What {@link #detach} has left. */
    void releaseDetached(Slice slice, long bytes) {
        releaseOfTenant(slice, bytes);
    }

    /** Whether no more should be taken of it for now. */
    boolean isFull(Slice slice) {
        boolean byPartition = load(slice).isFull(partitionBound);
        boolean byTenant = tenant(slice).isFull(tenantBound);
        boolean inAll = total.isFull(totalBound);
        return byPartition || byTenant || inAll && (hasItsShare(tenant(slice)) || isTwiceFull());
    }

    private boolean hasItsShare(Load tenant) {
        if (tenant.messages == 0) {
            return false;
        }
        double share = (double) tenant.weight / weightsHere;
        return tenant.messages >= share * totalBound.messages() || tenant.bytes >= share * totalBound.bytes();
    }

    private boolean isTwiceFull() {
        return total.messages >= 2L * totalBound.messages() || total.bytes >= 2 * totalBound.bytes();
    }

    int messagesOf(Slice slice) {
        return load(slice).messages;
    }

    int messages() {
        return total.messages;
    }

    private Load load(Slice slice) {
        return partitions.computeIfAbsent(slice, _ -> new Load());
    }

    private Load tenant(Slice slice) {
        return tenants.computeIfAbsent(slice.topic(), _ -> new Load());
    }
}
