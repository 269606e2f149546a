package io.agentserver.gateway.deadletters;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;

/**
 * Letters of several partitions as one list: by the time of their last failure between partitions, and strictly in the log's
 * order (or against it) within one, whatever the clocks of the pumps said.
 */
final class Merge {
    private final List<DeadLetter> taken = new ArrayList<>();
    private final Map<Integer, Deque<DeadLetter>> left = new HashMap<>();

    /** @param letters each partition's in the order of the log */
    Merge(List<DeadLetter> letters, boolean newestFirst, int limit) {
        for (DeadLetter letter : letters) {
            Deque<DeadLetter> queue = left.computeIfAbsent(letter.id().partition(), p -> new ArrayDeque<>());
            if (newestFirst) {
                queue.addFirst(letter);
            } else {
                queue.addLast(letter);
            }
        }
        Comparator<DeadLetter> byTime = Comparator.comparing(DeadLetter::lastFailure);
        PriorityQueue<Deque<DeadLetter>> heads =
                new PriorityQueue<>(Comparator.comparing(Deque::getFirst, newestFirst ? byTime.reversed() : byTime));
        heads.addAll(left.values());
        while (!heads.isEmpty() && taken.size() < limit) {
            Deque<DeadLetter> queue = heads.remove();
            taken.add(queue.removeFirst());
            if (!queue.isEmpty()) {
                heads.add(queue);
            }
        }
    }

    List<DeadLetter> taken() {
        return List.copyOf(taken);
    }

    /** The offset of the next letter of a partition that was read and not taken. */
    Optional<Long> next(int partition) {
        Deque<DeadLetter> queue = left.get(partition);
        return queue == null
                ? Optional.empty()
                : Optional.ofNullable(queue.peekFirst())
                        .map(letter -> letter.id().offset());
    }
}
