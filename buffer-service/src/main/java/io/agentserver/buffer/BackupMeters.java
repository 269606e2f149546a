package io.agentserver.buffer;

import io.agentserver.buffer.backup.BackupProgress;
import io.agentserver.buffer.store.ShardKey;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

import java.util.function.ToDoubleFunction;

/** How the backup is getting on. Times are in seconds since 1970. */
final class BackupMeters implements MeterBinder {
    private static final double MS = 1_000;

    private final BackupProgress progress;

    BackupMeters(BackupProgress progress) {
        this.progress = progress;
    }

    @Override
    public void bindTo(MeterRegistry meters) {
        counter(
                meters,
                "agentserver.backup.conversations",
                "times that a conversation's backup was brought up to date",
                BackupProgress::conversations);
        counter(meters, "agentserver.backup.slots", "slots put into the backup", BackupProgress::slots);
        counter(meters, "agentserver.backup.bytes", "bytes put into the backup", BackupProgress::bytes);
        counter(
                meters,
                "agentserver.backup.failures",
                "times that a conversation's backup could not be brought up to date",
                BackupProgress::failures);
        for (int shard = 0; shard < ShardKey.SHARDS; shard++) {
            int which = shard;
            Gauge.builder("agentserver.backup.complete.seconds", progress, its -> its.completeMs(which) / MS)
                    .tag("shard", Integer.toString(shard))
                    .description("what was journalled before is in the backup, as far as this process knows")
                    .register(meters);
            Gauge.builder("agentserver.backup.failing", progress, its -> its.isFailing(which) ? 1 : 0)
                    .tag("shard", Integer.toString(shard))
                    .description("1: the last run over this process's shard did not get all done")
                    .register(meters);
        }
        Gauge.builder("agentserver.backup.expiry.failing", progress, its -> its.isExpiryFailing() ? 1 : 0)
                .description("1: what has been kept for long enough did not all go when this process last looked")
                .register(meters);
        Gauge.builder(
                        "agentserver.backup.drill.seconds",
                        progress,
                        its -> its.drilled().atMs() / MS)
                .description("when a drill of everything last ended")
                .register(meters);
        Gauge.builder(
                        "agentserver.backup.drill.differences",
                        progress,
                        its -> its.drilled().differences())
                .description("differences between backup and journal that it found")
                .register(meters);
    }

    private void counter(
            MeterRegistry meters, String name, String description, ToDoubleFunction<BackupProgress> count) {
        FunctionCounter.builder(name, progress, count).description(description).register(meters);
    }
}
