package io.agentserver.buffer.backup;

/** What is in the bucket is not what was put there, or is of a version or under a key that this process does not know. */
public final class BrokenBackupException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BrokenBackupException(String message) {
        super(message);
    }

    public BrokenBackupException(String message, Throwable cause) {
        super(message, cause);
    }
}
