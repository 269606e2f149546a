package io.agentserver.gateway.organism;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.organism.Organism;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.S3Deletions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/**
 * A private bucket of S3 that CloudFront alone reads. An object is {@code <tenant>/<sha-256 of its content>.<xsd|txt>}, so putting
 * it again is harmless, and is how what a failure kept back gets there: when it is asked for. While S3 does not answer, it is
 * left alone for half a minute, and the gateway gives the files out itself. Safe on any thread.
 */
public final class S3Delivery implements StaticDelivery, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(S3Delivery.class);
    private static final CallBounds BOUNDS = new CallBounds(16, Duration.ofSeconds(2), Duration.ofSeconds(3));

    private static final Duration REST = Duration.ofSeconds(30);
    /** After that an object is put again: whoever emptied the bucket did no lasting harm. */
    private static final Duration BELIEVED = Duration.ofHours(1);

    private final S3Client s3;
    private final String bucket;
    private final S3Deletions deletions;
    private final CloudFrontAddresses addresses;
    private final Cache<String, Boolean> there = Caffeine.newBuilder()
            .maximumSize(100_000)
            .expireAfterWrite(BELIEVED)
            .build();
    private volatile @Nullable Long failedAt; // of the monotonic clock

    private S3Delivery(S3Client s3, String bucket, CloudFrontAddresses addresses) {
        this.s3 = s3;
        this.bucket = bucket;
        this.deletions = new S3Deletions(s3, bucket);
        this.addresses = addresses;
    }

    /**
     * @param url S3's endpoint; empty: the AWS region's own, with the credentials that the AWS SDK finds; else a local one, which
     *     asks for none
     */
    public static S3Delivery to(String url, String bucket, CloudFrontAddresses addresses) {
        S3ClientBuilder builder =
                S3Client.builder().httpClientBuilder(BOUNDS.http()).overrideConfiguration(BOUNDS::apply);
        if (!url.isEmpty()) {
            builder.endpointOverride(URI.create(url))
                    .region(Region.US_EAST_1)
                    .forcePathStyle(true)
                    .credentialsProvider(
                            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")));
        }
        try {
            return new S3Delivery(builder.build(), bucket, addresses);
        } catch (SdkException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_STATIC_BUCKET + "=" + bucket + " cannot be reached: set AWS_REGION", e);
        }
    }

    @Override
    public void deliver(TenantId tenant, Organism organism) {
        for (StaticFile file : StaticFile.of(organism).values()) {
            if (!isThere(tenant, file)) {
                return;
            }
        }
    }

    @Override
    public Optional<URI> address(TenantId tenant, StaticFile file) {
        return isThere(tenant, file) ? Optional.of(addresses.of(object(tenant, file))) : Optional.empty();
    }

    @Override
    public int forget(TenantId tenant) {
        String prefix = tenant + "/";
        there.asMap().keySet().removeIf(object -> object.startsWith(prefix));
        try {
            return deletions.some(prefix);
        } catch (S3Deletions.RefusedException e) {
            throw new Unavailable(String.valueOf(e.getMessage()), null);
        } catch (SdkException e) {
            throw new Unavailable("bucket " + bucket + " does not answer", e);
        }
    }

    @Override
    public void close() {
        s3.close();
    }

    private boolean isThere(TenantId tenant, StaticFile file) {
        String object = object(tenant, file);
        if (there.getIfPresent(object) != null) {
            return true;
        }
        if (isResting()) {
            return false;
        }
        try {
            put(object, file);
            there.put(object, true);
            return true;
        } catch (SdkException e) {
            failedAt = System.nanoTime();
            LOG.warn(
                    "bucket {} takes no static file, the gateway gives them out itself and tries again in {}: {}",
                    bucket,
                    REST,
                    e.getMessage());
            return false;
        }
    }

    private boolean isResting() {
        Long failed = failedAt;
        return failed != null && System.nanoTime() - failed < REST.toNanos();
    }

    private void put(String object, StaticFile file) {
        s3.putObject(
                p -> p.bucket(bucket)
                        .key(object)
                        .contentType(file.type())
                        .cacheControl(StaticFile.CACHE_CONTROL)
                        .checksumAlgorithm(ChecksumAlgorithm.SHA256),
                RequestBody.fromString(file.text()));
    }

    private static String object(TenantId tenant, StaticFile file) {
        return tenant + "/" + file.sha256() + "." + file.extension();
    }
}
