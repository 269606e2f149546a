package io.agentserver.service;

import jdk.management.VirtualThreadSchedulerMXBean;
import org.slf4j.LoggerFactory;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Gives the virtual threads more carriers when none of theirs comes free. A virtual thread that loads or initialises a class keeps
 * its carrier while it waits for a lock; when all carriers wait so for what a virtual thread without a carrier holds, the process
 * would stand still for ever
 * (<a href="https://github.com/spring-projects/spring-boot/issues/51463">seen with Spring Boot's nested jars</a>). So a virtual
 * thread is begun every now and then, and if it does not run, carriers are added until it does; they are taken back when it has
 * for a while. A busy machine may be taken for a stuck process: then there are some idle carriers more.
 */
final class CarrierWatch implements Runnable {
    private static final Duration BETWEEN = Duration.ofMillis(250);
    /** So long no virtual thread has begun: a processor's queue is seldom as long. */
    private static final Duration STUCK = Duration.ofMillis(500);

    private static final Duration CALM = Duration.ofMinutes(1);
    /** The scheduler's own {@code maxPoolSize}. */
    private static final int MOST = 256;

    private static final int MOST_PROBES = 10_000;

    private final VirtualThreadSchedulerMXBean scheduler =
            ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
    private final int usual = scheduler.getParallelism();
    private long calmSince = System.nanoTime();

    static void start() {
        Thread watch = new Thread(() -> new CarrierWatch().run(), "carrier-watch"); // a virtual one would be stuck too
        watch.setDaemon(true);
        watch.start();
    }

    @Override
    public void run() {
        try {
            while (true) {
                if (isLate()) {
                    // only now: a logger may need a class, whose lock one of the stuck threads may have held
                    LoggerFactory.getLogger(CarrierWatch.class)
                            .warn(
                                    "no virtual thread ran for {}: there are up to {} carriers now",
                                    STUCK,
                                    scheduler.getParallelism());
                    calmSince = System.nanoTime();
                } else if (scheduler.getParallelism() > usual && System.nanoTime() - calmSince > CALM.toNanos()) {
                    scheduler.setParallelism(usual);
                }
                Thread.sleep(BETWEEN);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody's: the process ends with its daemons
        }
    }

    /** Returns when a virtual thread has run; whether it had to wait for a carrier. */
    private boolean isLate() throws InterruptedException {
        CountDownLatch ran = new CountDownLatch(1);
        probe(ran);
        boolean late = false;
        while (!ran.await(STUCK.toMillis(), TimeUnit.MILLISECONDS)) {
            late = true;
            if (scheduler.getParallelism() < MOST) {
                scheduler.setParallelism(Math.min(MOST, 2 * scheduler.getParallelism()));
                makeCarrier(ran);
            }
        }
        return late;
    }

    /**
     * The scheduler makes one when a thread comes to a queue of its that was empty or is full (ForkJoinPool's {@code push}), and that
     * one makes the next: so it gets some until its queue is full.
     */
    private void makeCarrier(CountDownLatch ran) {
        int carriers = scheduler.getPoolSize();
        for (int i = 0; i < MOST_PROBES && ran.getCount() > 0 && scheduler.getPoolSize() <= carriers; i++) {
            probe(ran);
        }
    }

    private static void probe(CountDownLatch ran) {
        Thread.ofVirtual().name("carrier-probe").start(ran::countDown);
    }
}
