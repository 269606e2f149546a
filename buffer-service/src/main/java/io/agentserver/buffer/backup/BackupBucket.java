package io.agentserver.buffer.backup;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Where backups are. Safe on any thread; calls block, and throw
 * {@link io.agentserver.buffer.store.StoreUnavailableException} if it is away or refuses. Each may be repeated at will.
 */
public interface BackupBucket extends AutoCloseable {

    /** @param modifiedMs when it was put, by the bucket's clock, in milliseconds since 1970 */
    record Listed(String key, long bytes, long modifiedMs) {}

    /**
     * Returns when the object is safe. One of the same key is replaced.
     *
     * @param sha256 of the content, in hexadecimal: the bucket refuses another content
     */
    void put(String key, byte[] content, String sha256);

    /**
     * Empty: there is none.
     *
     * @throws BrokenBackupException if its bytes are no longer those that were put
     */
    Optional<byte[]> get(String key);

    /**
     * Hands over the objects whose keys begin with a prefix, in the order of their keys; what was put before the call is there.
     *
     * @param goesOn false: no more
     */
    void each(String prefix, Predicate<Listed> goesOn);

    /** What comes after a prefix, up to the next {@code /}, of all keys that have such a one; each once, in order. */
    List<String> folders(String prefix);

    /**
     * Deletes objects for good, older versions of them included.
     *
     * @throws UndeletableException if some are still there
     */
    void delete(Collection<String> keys);

    /**
     * Deletes some of what is under a prefix for good, older versions included.
     *
     * @return how many objects, versions and marks of deletion went; 0: nothing is left there
     * @throws UndeletableException if some are still there
     */
    long deleteSome(String prefix);

    /** Returns if it can be used. */
    void check();

    @Override
    void close();
}
