package io.agentserver.pump.log;

import io.agentserver.pump.log.Intake.Bound;
import io.agentserver.pump.log.Intake.Slice;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

import static java.util.stream.Collectors.toMap;

/** What {@link Intake} must say, counted anew each time from what is really held. */
final class IntakeModel {
    private final Bound partition;
    private final Bound tenant;
    private final Bound total;
    private final Map<String, Integer> weights;
    /** Slices, topics, and this: what was full when last looked at. */
    private final Set<Object> full = new HashSet<>();

    /** One message that was taken and is not finished; what is off the log fills its tenant's share, and no partition. */
    record Item(Slice slice, int bytes, boolean isOfLog) {}

    private record Load(int messages, long bytes) {
        static Load of(Collection<Item> held, Predicate<Item> which) {
            List<Item> items = held.stream().filter(which).toList();
            return new Load(items.size(), items.stream().mapToLong(Item::bytes).sum());
        }
    }

    IntakeModel(Bound partition, Bound tenant, Bound total, Map<String, Integer> weights) {
        this.partition = partition;
        this.tenant = tenant;
        this.total = total;
        this.weights = weights;
    }

    Intake intake() {
        return new Intake(partition, tenant, total, topic -> weights.getOrDefault(topic, 1));
    }

    boolean isFull(Slice slice, Collection<Item> held) {
        Load all = Load.of(held, _ -> true);
        Load ofTenant = Load.of(held, item -> item.slice().topic().equals(slice.topic()));
        boolean byPartition = isFull(
                slice,
                partition,
                Load.of(held, item -> item.isOfLog() && item.slice().equals(slice)));
        boolean byTenant = isFull(slice.topic(), tenant, ofTenant);
        boolean inAll = isFull(this, total, all);
        boolean isTwice = all.messages >= 2 * total.messages() || all.bytes >= 2 * total.bytes();
        return byPartition || byTenant || inAll && (isTwice || hasItsShare(slice.topic(), ofTenant, held));
    }

    private boolean hasItsShare(String topic, Load load, Collection<Item> held) {
        if (load.messages == 0) {
            return false;
        }
        Map<String, Integer> here = held.stream()
                .collect(toMap(
                        item -> item.slice().topic(),
                        item -> weights.getOrDefault(item.slice().topic(), 1),
                        (a, _) -> a));
        double share = (double) weights.getOrDefault(topic, 1)
                / here.values().stream().mapToInt(Integer::intValue).sum();
        return load.messages >= share * total.messages() || load.bytes >= share * total.bytes();
    }

    /** From its bound on, until an eighth of it, or one, is finished. */
    private boolean isFull(Object what, Bound bound, Load load) {
        boolean isFull = full.contains(what)
                ? load.messages > bound.messages() - Math.max(1, bound.messages() / 8)
                        || load.bytes > bound.bytes() - Math.max(1, bound.bytes() / 8)
                : load.messages >= bound.messages() || load.bytes >= bound.bytes();
        if (isFull) {
            full.add(what);
        } else {
            full.remove(what);
        }
        return isFull;
    }
}
