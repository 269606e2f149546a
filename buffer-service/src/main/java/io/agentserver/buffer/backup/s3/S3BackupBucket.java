package io.agentserver.buffer.backup.s3;

import io.agentserver.buffer.backup.BackupBucket;
import io.agentserver.buffer.backup.BrokenBackupException;
import io.agentserver.buffer.backup.UndeletableException;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.S3Deletions;
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
import software.amazon.awssdk.services.s3.model.CommonPrefix;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;

import java.net.URI;
import java.time.Duration;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** A bucket of S3, or of a server that speaks as S3 does. Each object is put with its SHA-256, which S3 checks. */
public final class S3BackupBucket implements BackupBucket {
    /** An attempt puts 8 MiB, perhaps over a slow line. */
    private static final CallBounds BOUNDS = new CallBounds(32, Duration.ofSeconds(30), Duration.ofSeconds(90));

    private final S3Client s3;
    private final String bucket;
    private final S3Deletions deletions;

    private S3BackupBucket(S3Client s3, String bucket) {
        this.s3 = s3;
        this.bucket = bucket;
        this.deletions = new S3Deletions(s3, bucket);
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
        delete(() -> {
            deletions.each(keys);
            return 0;
        });
    }

    @Override
    public long deleteSome(String prefix) {
        return delete(() -> deletions.some(prefix));
    }

    private int delete(Supplier<Integer> deletion) {
        try {
            return ask(deletion);
        } catch (S3Deletions.RefusedException e) {
            throw new UndeletableException(bucket, e.key(), e.code());
        }
    }

    @Override
    public void check() {
        ask(() -> s3.headBucket(head -> head.bucket(bucket)));
    }

    @Override
    public void close() {
        s3.close();
    }

    private static <T> T ask(Supplier<T> call) {
        try {
            return call.get();
        } catch (SdkException e) {
            throw new StoreUnavailableException("S3", e);
        }
    }
}
