package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;

import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * What a state says to a request.
 *
 * @param commit to be written as the next; empty: nothing changes
 * @param needs how well the state must be known for the decision to stand; a commit is tested by its own write
 * @param reply made from the state that then holds
 */
record Decision<R>(Optional<Commit> commit, Knowledge needs, Function<JournalState, R> reply) {

    /** How well a state is known. */
    enum Knowledge {
        /** As this process remembers it. */
        REMEMBERED,
        /** After a look at the fastest copy. */
        LOOKED,
        /** With every commit that was acknowledged before the request came. */
        CERTAIN
    }

    /** The same decision, with more in its reply. */
    <T> Decision<T> with(BiFunction<R, JournalState, T> more) {
        return new Decision<>(commit, needs, state -> more.apply(reply.apply(state), state));
    }

    static <R> Decision<R> write(Commit commit, Knowledge needs, Function<JournalState, R> reply) {
        return new Decision<>(Optional.of(commit), needs, reply);
    }

    static <R> Decision<R> answer(Knowledge needs, Function<JournalState, R> reply) {
        return new Decision<>(Optional.empty(), needs, reply);
    }
}
