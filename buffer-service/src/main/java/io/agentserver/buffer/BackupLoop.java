package io.agentserver.buffer;

import io.agentserver.buffer.backup.Backup;
import io.agentserver.buffer.backup.BackupRuns;

import java.util.Optional;

/** Keeps the backup up to date, where there is one. */
final class BackupLoop implements AutoCloseable {
    private final Optional<BackupRuns> runs;
    private final Optional<Backup> backup;

    BackupLoop(Optional<Backup> backup) {
        this.backup = backup;
        this.runs = backup.map(Backup::runs);
    }

    BackupLoop start() {
        runs.ifPresent(BackupRuns::start);
        return this;
    }

    /** Before the stores, whose bean was made before. */
    @Override
    public void close() {
        runs.ifPresent(BackupRuns::close);
        backup.ifPresent(Backup::close);
    }
}
