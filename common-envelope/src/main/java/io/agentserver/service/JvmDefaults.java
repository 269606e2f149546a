package io.agentserver.service;

import java.util.List;

/** What a process of ours sets before anything else runs, unless its command line says otherwise. */
public final class JvmDefaults {
    static final String PARALLELISM = "jdk.virtualThreadScheduler.parallelism";

    /** Netty's own name for it, and that of the copy inside gRPC. */
    static final List<String> LEAK_DETECTION =
            List.of("io.netty.leakDetection.level", "io.grpc.netty.shaded.io.netty.leakDetection.level");

    private static final int FEWEST_CARRIERS = 8;

    private JvmDefaults() {}

    /** The first statement of a {@code main}: each of these is read once, when it is first needed. */
    public static void provide() {
        // A virtual thread that loads a class keeps its carrier while it waits for another one to load it, or for the
        // lock of the jar that holds it: a process that has just begun would often wait for its watch with two
        // carriers.
        int processors = Runtime.getRuntime().availableProcessors();
        set(PARALLELISM, String.valueOf(Math.max(FEWEST_CARRIERS, processors)));
        // one buffer in a hundred would be tracked by taking stack traces, at every step of its life
        LEAK_DETECTION.forEach(property -> set(property, "disabled"));
        CarrierWatch.start();
    }

    private static void set(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }
}
