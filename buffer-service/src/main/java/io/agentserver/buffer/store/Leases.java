package io.agentserver.buffer.store;

import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * Shares the shards between those who ask for what is due. An optimisation: that two hold one at once costs work and does no
 * harm, for what is handed out twice is recognised.
 */
@FunctionalInterface
public interface Leases {
    /** For one process, or where nobody can say who else there is. */
    Leases NOBODY_ELSE = _ -> IntStream.range(0, ShardKey.SHARDS).boxed().toList();

    /**
     * The shards that are this owner's until it has not asked for 5 s.
     *
     * @param owner the same for the life of a process
     */
    List<Integer> renew(String owner);

    /**
     * The time by the clock that leases go by, which is the same for all who ask, in milliseconds since 1970. Empty: there is none
     * but each process's own.
     */
    default OptionalLong millis() {
        return OptionalLong.empty();
    }

    /** The owner asks no more: what it held is free for the next who renews. */
    default void release(String owner) {}
}
