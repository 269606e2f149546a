package io.agentserver.buffer.backup;

/** An object that a bucket which is there does not delete: it is locked, or a right is missing. The others are gone. */
public final class UndeletableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param code the bucket's own word */
    public UndeletableException(String bucket, String key, String code) {
        super("bucket " + bucket + " does not delete " + key + " (" + code + ")");
    }
}
