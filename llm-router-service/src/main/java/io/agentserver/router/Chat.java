package io.agentserver.router;

/** Answers calls: the {@link Router}, or {@link OnceOnly} around it. Safe on any thread. */
interface Chat {
    /** Blocks until the first token, or until it is clear that there will be none. */
    Answer answer(Call call) throws InterruptedException;
}
