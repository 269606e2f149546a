package io.agentserver.buffer.backup.s3;

import io.agentserver.buffer.backup.BackupBucket;
import io.agentserver.buffer.backup.BrokenBackupException;
import io.agentserver.buffer.backup.UndeletableException;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.service.aws.CallBounds;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProviderChain;
import software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.CommonPrefix;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectVersionsResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Error;
import software.amazon.awssdk.services.s3.model.S3Exception;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** A bucket of S3, or of a server that speaks as S3 does. Each object is put with its SHA-256, which S3 checks. */
public final class S3BackupBucket implements BackupBucket {
    /** An attempt puts 8 MiB, perhaps over a slow line. */
    private static final CallBounds BOUNDS = new CallBounds(32, Duration.ofSeconds(30), Duration.ofSeconds(90));

    private static final int NOT_IMPLEMENTED = 501;
    /** That S3 deletes in one request. */
    private static final int MOST_DELETED = 1_000;

    private final S3Client s3;
    private final String bucket;

    private S3BackupBucket(S3Client s3, String bucket) {
        this.s3 = s3;
        this.bucket = bucket;
    }

    /**
     * @param url the endpoint; empty: the AWS region's own, with the credentials that the AWS SDK finds; else with those of the
     *     environment, if it has some
     * @param region empty: the one that the AWS SDK finds, or, at a given endpoint, us-east-1
     * @throws IllegalArgumentException if {@code url} is no address, or no region is to be found
     */
    public static S3BackupBucket open(String url, String region, String bucket) {
        S3ClientBuilder client =
                S3Client.builder().httpClientBuilder(BOUNDS.http()).overrideConfiguration(BOUNDS::apply);
        if (!url.isEmpty()) {
            client.endpointOverride(URI.create(url))
                    .region(Region.US_EAST_1)
                    .forcePathStyle(true)
                    .credentialsProvider(AwsCredentialsProviderChain.of(
                            EnvironmentVariableCredentialsProvider.create(),
                            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local"))));
        }
        if (!region.isEmpty()) {
            client.region(Region.of(region));
        }
        try {
            return new S3BackupBucket(client.build(), bucket);
        } catch (SdkException e) {
            throw new IllegalArgumentException("no AWS region is to be found", e);
        }
    }

    @Override
    public void put(String key, byte[] content, String sha256) {
        String checksum = Base64.getEncoder().encodeToString(HexFormat.of().parseHex(sha256));
        ask(() -> s3.putObject(
                put -> put.bucket(bucket).key(key).checksumSHA256(checksum), RequestBody.fromBytes(content)));
    }

    @Override
    public Optional<byte[]> get(String key) {
        return ask(() -> {
            try {
                return Optional.of(
                        s3.getObjectAsBytes(get -> get.bucket(bucket).key(key)).asByteArrayUnsafe());
            } catch (NoSuchKeyException absent) {
                return Optional.empty();
            } catch (SdkClientException e) {
                // the SDK compares the bytes with the checksum that they were put with, and has no exception of its own
                // for it
                if (String.valueOf(e.getMessage()).contains("checksum")) {
                    throw new BrokenBackupException(key + ": its bytes have changed in the bucket", e);
                }
                throw e;
            }
        });
    }

    @Override
    public void each(String prefix, Predicate<Listed> goesOn) {
        ask(() -> s3.listObjectsV2Paginator(list -> list.bucket(bucket).prefix(prefix)).contents().stream()
                .map(object -> new Listed(
                        object.key(), object.size(), object.lastModified().toEpochMilli()))
                .allMatch(goesOn));
    }

    @Override
    public List<String> folders(String prefix) {
        return ask(() ->
                s3
                        .listObjectsV2Paginator(
                                list -> list.bucket(bucket).prefix(prefix).delimiter("/"))
                        .commonPrefixes()
                        .stream()
                        .map(CommonPrefix::prefix)
                        .map(folder -> folder.substring(prefix.length(), folder.length() - 1))
                        .toList());
    }

    @Override
    public void delete(Collection<String> keys) {
        if (keys.isEmpty()) {
            return;
        }
        if (!keepsVersions()) {
            List<ObjectIdentifier> all = keys.stream()
                    .map(key -> ObjectIdentifier.builder().key(key).build())
                    .toList();
            for (int from = 0; from < all.size(); from += MOST_DELETED) {
                deleteAll(all.subList(from, Math.min(all.size(), from + MOST_DELETED)));
            }
            return;
        }
        for (String key : keys) {
            List<ObjectIdentifier> versions;
            do { // another key may begin as this one, and fill a page
                versions = versions(key).stream()
                        .filter(version -> version.key().equals(key))
                        .toList();
                deleteAll(versions);
            } while (!versions.isEmpty());
        }
    }

    @Override
    public long deleteSome(String prefix) {
        List<ObjectIdentifier> some = keepsVersions()
                ? versions(prefix)
                : ask(() -> s3.listObjectsV2(list -> list.bucket(bucket).prefix(prefix)).contents().stream()
                        .map(object ->
                                ObjectIdentifier.builder().key(object.key()).build())
                        .toList());
        deleteAll(some);
        return some.size();
    }

    @Override
    public void check() {
        ask(() -> s3.headBucket(head -> head.bucket(bucket)));
    }

    @Override
    public void close() {
        s3.close();
    }

    /** Or kept some, before that was suspended: deleting an object leaves them, and a mark. Asked each time, for it may change. */
    private boolean keepsVersions() {
        return ask(() -> {
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
        });
    }

    /** A page. */
    private List<ObjectIdentifier> versions(String prefix) {
        ListObjectVersionsResponse page =
                ask(() -> s3.listObjectVersions(list -> list.bucket(bucket).prefix(prefix)));
        List<ObjectIdentifier> found = new ArrayList<>();
        Stream.concat(
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
                .forEach(found::add);
        return found;
    }

    private void deleteAll(List<ObjectIdentifier> objects) {
        if (objects.isEmpty()) {
            return;
        }
        DeleteObjectsResponse answer = ask(() -> s3.deleteObjects(delete ->
                delete.bucket(bucket).delete(those -> those.objects(objects).quiet(true))));
        if (answer.hasErrors() && !answer.errors().isEmpty()) {
            S3Error first = answer.errors().getFirst();
            throw new UndeletableException(bucket, first.key(), first.code());
        }
    }

    private static <T> T ask(Supplier<T> call) {
        try {
            return call.get();
        } catch (SdkException e) {
            throw new StoreUnavailableException("S3", e);
        }
    }
}
