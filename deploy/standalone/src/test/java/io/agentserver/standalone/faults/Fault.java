package io.agentserver.standalone.faults;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

/** What may happen to a fleet. When {@link #strike} returns, everything that should run was started, ready or not. */
enum Fault {
    KILL_PUMP {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            return kill(any(fleet.ofRole(Role.PUMP), random), random);
        }
    },
    CRASH {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            CrashPoint point = any(List.of(CrashPoint.values()), random);
            return crash(fleet, point, random, armed);
        }
    },
    /** Past its session: another pump has its partitions when it wakes up. */
    FREEZE_PUMP {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            ServiceProcess pump = any(fleet.ofRole(Role.PUMP), random);
            freeze(pump.pid(), 7_000 + random.nextInt(5_000));
            return pump.name();
        }
    },
    SCALE_PUMPS {
        @Override
        String strike(Fleet fleet, Random random, Path armed) {
            int now = fleet.ofRole(Role.PUMP).size();
            int other = 1 + random.nextInt(MOST_AT_RANDOM - 1);
            int wanted = other < now ? other : other + 1;
            scale(fleet, wanted);
            return "to " + wanted;
        }
    },
    /** From one to as many as there are, one after the other, and back; with one and with all until they have been at work for a while. */
    OUT_AND_IN {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            int most = fleet.pumps().size();
            scale(fleet, 1);
            atWork(fleet, random);
            for (int wanted = 2; wanted <= most; wanted++) {
                scale(fleet, wanted);
                fleet.awaitReady();
            }
            atWork(fleet, random);
            scale(fleet, 1);
            atWork(fleet, random);
            return "1, " + most + ", 1";
        }
    },
    ROLL_PUMPS {
        @Override
        String strike(Fleet fleet, Random random, Path armed) {
            for (ServiceProcess pump : fleet.ofRole(Role.PUMP)) {
                long before = pump.pid();
                pump.stop();
                pump.start();
                happened(hasEnded(before), pump.name() + " is the same process");
            }
            return "";
        }
    },
    KILL_BUFFER {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            return kill(any(fleet.ofRole(Role.BUFFER), random), random);
        }
    },
    FREEZE_BUFFER {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            ServiceProcess buffer = any(fleet.ofRole(Role.BUFFER), random);
            freeze(buffer.pid(), 1_000 + random.nextInt(9_000));
            return buffer.name();
        }
    },
    KILL_GATEWAY {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            return kill(any(fleet.ofRole(Role.GATEWAY), random), random);
        }
    },
    KILL_ROUTER {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            return kill(any(fleet.ofRole(Role.LLM), random), random);
        }
    },
    KILL_BILLING {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            return kill(any(fleet.ofRole(Role.BILLING), random), random);
        }
    },
    KILL_BROKER {
        @Override
        String strike(Fleet fleet, Random random, Path armed) {
            long before = fleet.kafkaPid();
            fleet.restartBroker();
            happened(hasEnded(before), "the broker is the same process");
            return "";
        }
    },
    FREEZE_BROKER {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            freeze(fleet.kafkaPid(), 1_000 + random.nextInt(9_000));
            return "";
        }
    },
    WIPE_REDIS {
        @Override
        String strike(Fleet fleet, Random random, Path armed) {
            RedisClient client = RedisClient.create(fleet.redisUrl());
            try (StatefulRedisConnection<String, String> connection = client.connect()) {
                connection.sync().set(MARK, "here");
                connection.sync().flushall();
                happened(connection.sync().get(MARK) == null, "Redis has kept what it had");
            } finally {
                client.shutdown();
            }
            return "";
        }
    },
    KILL_REDIS {
        @Override
        String strike(Fleet fleet, Random random, Path armed) {
            long before = fleet.redisPid();
            fleet.restartRedis();
            happened(hasEnded(before), "Redis is the same process");
            return "";
        }
    },
    FREEZE_DYNAMODB {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            freeze(fleet.dynamoPid(), 1_000 + random.nextInt(6_000));
            return "";
        }
    },
    /** Between a process and one of those that it goes to. */
    NETWORK {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            ServiceProcess service = any(fleet.running(), random);
            Link link = any(service.links(), random);
            Trouble trouble = Trouble.any(random);
            link.suffer(trouble);
            try {
                Thread.sleep(Duration.ofMillis(3_000 + random.nextInt(9_000)));
                int threads = service.threads();
                if (threads > MOST_THREADS) {
                    throw new AssertionError(service.name() + " has " + threads + " threads while " + link + " suffers "
                            + trouble + "; " + MOST_THREADS + " at most, or it piles them up");
                }
                return link + ", " + trouble + ", " + threads + " threads at the end";
            } finally {
                link.heal();
            }
        }
    },
    /** Of one process; there and back again. */
    WALL_CLOCK {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            ServiceProcess service = any(fleet.running(), random);
            Duration wrongBy = random.nextBoolean() ? Duration.ofHours(2) : Duration.ofMinutes(-10);
            if (!WallClock.isAdjustable()) {
                return "skipped: libfaketime is not installed here";
            }
            service.clock().set(wrongBy);
            Thread.sleep(Duration.ofMillis(3_000 + random.nextInt(9_000)));
            service.clock().set(Duration.ZERO);
            return service.name() + " by " + wrongBy;
        }
    },
    LOSE_OFFSETS {
        @Override
        String strike(Fleet fleet, Random random, Path armed) throws InterruptedException {
            List<ServiceProcess> pumps = fleet.ofRole(Role.PUMP);
            pumps.forEach(ServiceProcess::stop);
            rewind(fleet, random);
            pumps.forEach(ServiceProcess::start);
            return "";
        }
    };

    /** Of a service whose network is in trouble; 138 at most were seen in 17 of them, of a pump cut off from its buffer. */
    private static final int MOST_THREADS = 400;

    private static final int FARTHEST_BACK = 300;
    /** All that there are are for {@link #OUT_AND_IN}: each is work for the processor. */
    private static final int MOST_AT_RANDOM = 3;

    private static final String MARK = "fault-runs:mark";

    /**
     * @param armed while this file is there, a crash point counts
     * @return what it was done to
     */
    abstract String strike(Fleet fleet, Random random, Path armed) throws InterruptedException;

    /**
     * Whether a call of a model may break off, or what is known of its answer be lost, so that it is asked, and paid, again;
     * whatever happens to those who ask, it is not.
     *
     * @param what it was done to, as {@link #strike} says
     */
    boolean mayBreakOffAnswers(String what) {
        return switch (this) {
            case KILL_ROUTER, KILL_REDIS, WIPE_REDIS, KILL_BROKER, FREEZE_BROKER -> true;
            case NETWORK -> isOfTheRouter(what) || what.contains(" to " + Role.LLM);
            case WALL_CLOCK -> isOfTheRouter(what);
            case KILL_PUMP,
                    CRASH,
                    FREEZE_PUMP,
                    SCALE_PUMPS,
                    OUT_AND_IN,
                    ROLL_PUMPS,
                    KILL_BUFFER,
                    FREEZE_BUFFER,
                    KILL_GATEWAY,
                    KILL_BILLING,
                    FREEZE_DYNAMODB,
                    LOSE_OFFSETS -> false;
        };
    }

    /** Whether it has set the clock by which calls are recorded. */
    boolean spoilsTimes(String what) {
        return this == WALL_CLOCK && isOfTheRouter(what);
    }

    private static boolean isOfTheRouter(String what) {
        return what.startsWith(Role.LLM + "-");
    }

    /** Whether it ends no process, so that all must be well soon after it. */
    boolean leavesAllRunning() {
        return this == NETWORK || this == WALL_CLOCK;
    }

    /** Starts a process anew so that it will end at the point. */
    static String crash(Fleet fleet, CrashPoint point, Random random, Path armed) {
        ServiceProcess service = any(fleet.ofRole(point.role()), random);
        long before = service.pid();
        service.kill();
        happened(hasEnded(before), service.name() + " is still there");
        int passing = 1 + random.nextInt(point.mostPassings());
        service.startToCrash(point, armed, passing);
        return service.name() + " at passing " + passing + " of " + point;
    }

    private static String kill(ServiceProcess service, Random random) throws InterruptedException {
        long before = service.pid();
        service.kill();
        happened(hasEnded(before), service.name() + " is still there");
        Thread.sleep(Duration.ofMillis(random.nextInt(2_000)));
        service.start();
        return service.name();
    }

    private static void freeze(long pid, int ms) throws InterruptedException {
        Signals.send("STOP", pid);
        Thread.sleep(Duration.ofMillis(ms));
        boolean stood = Signals.isStopped(pid) || hasEnded(pid); // a crash point may have come first
        Signals.send("CONT", pid);
        happened(stood, "process " + pid + " went on");
    }

    private static void scale(Fleet fleet, int wanted) {
        fleet.scalePumps(wanted);
        happened(
                fleet.ofRole(Role.PUMP).size() == wanted
                        && fleet.pumps().stream().noneMatch(pump -> pump.isAlive() && !pump.isWanted()),
                "there are not " + wanted + " pumps");
    }

    private static void atWork(Fleet fleet, Random random) throws InterruptedException {
        fleet.awaitReady();
        Thread.sleep(Duration.ofMillis(2_000 + random.nextInt(2_000)));
    }

    private static boolean hasEnded(long pid) {
        return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isEmpty();
    }

    /** A fault that did nothing shows nothing. */
    private static void happened(boolean so, String otherwise) {
        if (!so) {
            throw new AssertionError("the fault did not happen: " + otherwise);
        }
    }

    private static <T> T any(List<T> all, Random random) {
        return all.get(random.nextInt(all.size()));
    }

    /** Once nobody is in the group: the broker takes who was killed for a member until its session ends. */
    private static void rewind(Fleet fleet, Random random) throws InterruptedException {
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, fleet.kafkaBootstrap()))) {
            Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets("pump")
                    .partitionsToOffsetAndMetadata()
                    .get();
            Map<TopicPartition, Long> first = admin
                    .listOffsets(
                            committed.keySet().stream().collect(Collectors.toMap(p -> p, _ -> OffsetSpec.earliest())))
                    .all()
                    .get()
                    .entrySet()
                    .stream()
                    .collect(Collectors.toMap(
                            Map.Entry::getKey, entry -> entry.getValue().offset()));
            Map<TopicPartition, OffsetAndMetadata> before = new HashMap<>();
            committed.forEach((partition, offset) -> before.put(
                    partition,
                    new OffsetAndMetadata(Math.max(
                            first.getOrDefault(partition, 0L), offset.offset() - random.nextInt(FARTHEST_BACK)))));
            Awaitility.await("nobody is in the group")
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> admin.describeConsumerGroups(List.of("pump")).all().get().values().stream()
                            .allMatch(group -> group.members().isEmpty()));
            admin.alterConsumerGroupOffsets("pump", before).all().get();
            Map<TopicPartition, Long> now = offsets(admin.listConsumerGroupOffsets("pump")
                    .partitionsToOffsetAndMetadata()
                    .get());
            happened(now.equals(offsets(before)) && !now.equals(offsets(committed)), "the offsets are " + now);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the offsets were not changed", e);
        }
    }

    private static Map<TopicPartition, Long> offsets(Map<TopicPartition, OffsetAndMetadata> all) {
        return all.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, entry -> entry.getValue().offset()));
    }
}
