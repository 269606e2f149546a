package io.agentserver.buffer.backup;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** A bucket in whose way something comes: what a subclass does. */
class StoppedBucket implements BackupBucket {
    private final BackupBucket bucket;

    StoppedBucket(BackupBucket bucket) {
        this.bucket = bucket;
    }

    @Override
    public void put(String key, byte[] content, String sha256) {
        bucket.put(key, content, sha256);
    }

    @Override
    public Optional<byte[]> get(String key) {
        return bucket.get(key);
    }

    @Override
    public void each(String prefix, Predicate<Listed> goesOn) {
        bucket.each(prefix, goesOn);
    }

    @Override
    public List<String> folders(String prefix) {
        return bucket.folders(prefix);
    }

    @Override
    public void delete(Collection<String> keys) {
        bucket.delete(keys);
    }

    @Override
    public long deleteSome(String prefix) {
        return bucket.deleteSome(prefix);
    }

    @Override
    public void check() {
        bucket.check();
    }

    @Override
    public void close() {
        bucket.close();
    }
}
