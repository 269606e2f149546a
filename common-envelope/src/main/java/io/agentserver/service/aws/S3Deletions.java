package io.agentserver.service.aws;

import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectVersionsResponse;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Error;
import software.amazon.awssdk.services.s3.model.S3Exception;

import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/**
 * Deletes from a bucket for good: where it keeps versions, with all of them, and with the marks that a plain deletion leaves.
 * Safe on any thread; throws what the SDK throws.
 */
public final class S3Deletions {
    private static final int NOT_IMPLEMENTED = 501;
    /** That S3 deletes in one request. */
    private static final int MOST = 1_000;

    private final S3Client s3;
    private final String bucket;

    public S3Deletions(S3Client s3, String bucket) {
        this.s3 = s3;
        this.bucket = bucket;
    }

    /** The bucket is there, and does not delete an object: it is locked, or a right is missing. The others are gone. */
    public static final class RefusedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final String key;
        private final String code;

        private RefusedException(String bucket, S3Error error) {
            super("bucket " + bucket + " does not delete " + error.key() + " (" + error.code() + ")");
            this.key = error.key();
            this.code = error.code();
        }

        public String key() {
            return key;
        }

        /** S3's own word. */
        public String code() {
            return code;
        }
    }

    /** Those that are there; returns when all are gone. */
    public void each(Collection<String> keys) {
        if (keys.isEmpty()) {
            return;
        }
        if (!keepsVersions()) {
            List<ObjectIdentifier> all = keys.stream()
                    .map(key -> ObjectIdentifier.builder().key(key).build())
                    .toList();
            for (int from = 0; from < all.size(); from += MOST) {
                delete(all.subList(from, Math.min(all.size(), from + MOST)));
            }
            return;
        }
        for (String key : keys) {
            List<ObjectIdentifier> versions;
            do { // another key may begin as this one, and fill a page
                versions = versions(key).stream()
                        .filter(version -> version.key().equals(key))
                        .toList();
                delete(versions);
            } while (!versions.isEmpty());
        }
    }

    /**
     * Of those whose key begins so, a page.
     *
     * @return how many they were, each version counted; 0: there are none
     */
    public int some(String prefix) {
        List<ObjectIdentifier> some = keepsVersions()
                ? versions(prefix)
                : s3.listObjectsV2(list -> list.bucket(bucket).prefix(prefix)).contents().stream()
                        .map(object ->
                                ObjectIdentifier.builder().key(object.key()).build())
                        .toList();
        delete(some);
        return some.size();
    }

    /** Or kept some, before that was suspended: deleting an object leaves them, and a mark. Asked each time, for it may change. */
    private boolean keepsVersions() {
        try {
            BucketVersioningStatus status =
                    s3.getBucketVersioning(get -> get.bucket(bucket)).status();
            return status == BucketVersioningStatus.ENABLED || status == BucketVersioningStatus.SUSPENDED;
        } catch (S3Exception e) {
            if (e.statusCode() == NOT_IMPLEMENTED) {
                return false; // a server that knows no versions
            }
            throw e;
        }
    }

    /** A page. */
    private List<ObjectIdentifier> versions(String prefix) {
        ListObjectVersionsResponse page =
                s3.listObjectVersions(list -> list.bucket(bucket).prefix(prefix));
        return Stream.concat(
                        page.versions().stream()
                                .map(version -> ObjectIdentifier.builder()
                                        .key(version.key())
                                        .versionId(version.versionId())
                                        .build()),
                        page.deleteMarkers().stream()
                                .map(mark -> ObjectIdentifier.builder()
                                        .key(mark.key())
                                        .versionId(mark.versionId())
                                        .build()))
                .toList();
    }

    private void delete(List<ObjectIdentifier> objects) {
        if (objects.isEmpty()) {
            return;
        }
        DeleteObjectsResponse answer = s3.deleteObjects(delete ->
                delete.bucket(bucket).delete(those -> those.objects(objects).quiet(true)));
        if (answer.hasErrors() && !answer.errors().isEmpty()) {
            throw new RefusedException(bucket, answer.errors().getFirst());
        }
    }
}
