package io.agentserver.buffer.backup;

import java.time.Clock;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** A bucket that says of what was put by this that it was put when a clock of a test's said so. */
final class ClockedBucket extends StoppedBucket {
    private final Clock clock;
    private final Map<String, Long> putMs = new ConcurrentHashMap<>();

    ClockedBucket(BackupBucket bucket, Clock clock) {
        super(bucket);
        this.clock = clock;
    }

    @Override
    public void put(String key, byte[] content, String sha256) {
        super.put(key, content, sha256);
        putMs.put(key, clock.millis());
    }

    @Override
    public void each(String prefix, Predicate<Listed> goesOn) {
        super.each(
                prefix,
                object -> goesOn.test(new Listed(
                        object.key(), object.bytes(), putMs.getOrDefault(object.key(), object.modifiedMs()))));
    }
}
