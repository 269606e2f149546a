package io.agentserver.standalone.simulation;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Semaphore;

/** Lets one task run at a time, from one point to the next; which, is the scheduler's to say. */
final class Baton {
    private static final ThreadLocal<Task> CURRENT = new ThreadLocal<>();

    /** A process dies here: no code of ours runs after it. */
    static final class Crash extends Error {
        private static final long serialVersionUID = 1L;

        Crash() {
            super("killed", null, false, false);
        }
    }

    /** Work that stands still at its points. */
    static final class Task {
        private final Semaphore go = new Semaphore(0);
        private final Semaphore back = new Semaphore(0);
        private volatile boolean killed;
        private volatile boolean ended;
        private volatile @Nullable Throwable failure;

        Task(Runnable work) {
            Thread.ofVirtual().name("task").start(() -> {
                go.acquireUninterruptibly();
                CURRENT.set(this);
                try {
                    if (!killed) {
                        work.run();
                    }
                } catch (Crash e) {
                    // as it should be
                } catch (Throwable e) {
                    failure = e;
                } finally {
                    ended = true;
                    back.release();
                }
            });
        }

        /** Runs it to its next point or its end. */
        void step() {
            go.release();
            back.acquireUninterruptibly();
            if (failure != null) {
                throw new AssertionError("a task failed", failure);
            }
        }

        void kill() {
            killed = true;
            if (!ended) {
                step();
            }
        }

        boolean hasEnded() {
            return ended;
        }
    }

    private Baton() {}

    /** Gives the baton back; returns when this task is run again. Of no effect outside a task. */
    static void point() {
        Task task = CURRENT.get();
        if (task != null) {
            task.back.release();
            task.go.acquireUninterruptibly();
            if (task.killed) {
                throw new Crash();
            }
        }
    }
}
