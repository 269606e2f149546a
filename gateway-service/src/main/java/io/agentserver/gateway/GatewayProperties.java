package io.agentserver.gateway;

import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

import java.net.URI;
import java.time.Duration;
import java.util.Base64;

/**
 * The gateway's settings, checked; {@code gateway.yml} says which environment variable each comes from.
 *
 * @param kafka host:port of the brokers, with commas
 * @param kafkaProperties file: how the brokers want to be spoken to; empty: plain text
 * @param kafkaReplication replicas of each topic that is created; -1: as the broker says
 * @param redisUrl one node, or several of one Redis Cluster with commas
 * @param dynamodbUrl DynamoDB's endpoint; empty: the AWS region's own
 * @param platformKey file: JWK Set of the platform's keys
 * @param platformSecret base64 of at least 32 bytes
 * @param adminKey the operator's key, at least 32 characters; empty: no admin API
 * @param bufferAddress host:port of the buffer's gRPC
 * @param billingUrl billing's base URL
 * @param delivery of schemas and prompts by S3 and CloudFront
 * @param maxEnvelope the largest body of a message
 * @param deletionLease after so long another gateway goes on with a tenant's deletion whose gateway has written nothing down; longer than
 *     any part of it takes
 * @param allowLoopback whether http listeners may have loopback URLs; in dev alone
 */
@ConfigurationProperties("agentserver.gateway")
record GatewayProperties(
        String kafka,
        String kafkaProperties,
        short kafkaReplication,
        String redisUrl,
        String dynamodbUrl,
        String platformKey,
        String platformSecret,
        String adminKey,
        String bufferAddress,
        String billingUrl,
        Delivery delivery,
        DataSize maxEnvelope,
        Duration deletionLease,
        boolean allowLoopback) {

    /**
     * All but the last are needed, or none.
     *
     * @param bucket of S3; empty: the gateway gives schemas and prompts out itself
     * @param url of the CloudFront distribution in front of it
     * @param key file: the private key that signs its addresses
     * @param keyId what CloudFront calls the public half
     * @param s3Url S3's endpoint; empty: the AWS region's own
     */
    record Delivery(String bucket, String url, String key, String keyId, String s3Url) {
        Delivery {
            boolean wanted = !bucket.isEmpty();
            require(wanted == !url.isEmpty(), Setting.AGENTSERVER_STATIC_URL, url, TOGETHER);
            require(wanted == !key.isEmpty(), Setting.AGENTSERVER_STATIC_KEY, key, TOGETHER);
            require(wanted == !keyId.isEmpty(), Setting.AGENTSERVER_STATIC_KEY_ID, keyId, TOGETHER);
            require(
                    !wanted || isHttp(url) && !url.endsWith("/"),
                    Setting.AGENTSERVER_STATIC_URL,
                    url,
                    "give https://… without a slash at its end");
            require(
                    s3Url.isEmpty() || isHttp(s3Url), // without a bucket it is for the buffer's backup
                    Setting.AGENTSERVER_S3_URL,
                    s3Url,
                    "give an http or https URL, or nothing for AWS");
        }

        private static final String TOGETHER =
                "AGENTSERVER_STATIC_BUCKET, _URL, _KEY and _KEY_ID are for each other: give all or none";

        boolean isWanted() {
            return !bucket.isEmpty();
        }
    }

    GatewayProperties {
        require(!kafka.isBlank(), Setting.AGENTSERVER_KAFKA, "", "name the brokers: host:port");
        require(
                kafkaReplication == -1 || kafkaReplication >= 1,
                Setting.AGENTSERVER_KAFKA_REPLICATION,
                String.valueOf(kafkaReplication),
                "give 1 or more, or -1 for what the broker says");
        require(!redisUrl.isBlank(), Setting.AGENTSERVER_REDIS_URL, "", "name it as redis://host:port");
        require(
                dynamodbUrl.isEmpty() || isHttp(dynamodbUrl),
                Setting.AGENTSERVER_DYNAMODB_URL,
                dynamodbUrl,
                "give an http or https URL, or nothing for AWS");
        require(
                !platformKey.isBlank(),
                Setting.AGENTSERVER_PLATFORM_KEY,
                "",
                "name the file with the platform's JWK Set");
        require(
                bytes(platformSecret) >= 32,
                Setting.AGENTSERVER_PLATFORM_SECRET,
                "…",
                "give base64 of at least 32 random bytes (openssl rand -base64 32)");
        require(
                adminKey.isEmpty() || adminKey.length() >= 32,
                Setting.AGENTSERVER_ADMIN_KEY,
                "…",
                "give at least 32 characters, or nothing for no admin API");
        require(
                bufferAddress.matches("[^\\s/]+:[0-9]{1,5}"),
                Setting.AGENTSERVER_BUFFER_ADDRESS,
                bufferAddress,
                "give host:port");
        require(isHttp(billingUrl), Setting.AGENTSERVER_BILLING_URL, billingUrl, "give an http or https URL");
        if (maxEnvelope.toBytes() < 1024 || maxEnvelope.toBytes() > 1024 * 1024) {
            throw new ConfigurationException(
                    "agentserver.gateway.max-envelope=" + maxEnvelope + " is not usable: give 1KB to 1MB");
        }
        if (deletionLease.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new ConfigurationException(
                    "agentserver.gateway.deletion-lease=" + deletionLease + " is too short: give at least 1s");
        }
    }

    byte[] secretBytes() {
        return Base64.getDecoder().decode(platformSecret);
    }

    int maxEnvelopeBytes() {
        return Math.toIntExact(maxEnvelope.toBytes());
    }

    /** Without the secrets. */
    @Override
    public String toString() {
        return "GatewayProperties[kafka=" + kafka + ", dynamodbUrl=" + dynamodbUrl + ", bufferAddress=" + bufferAddress
                + ", billingUrl=" + billingUrl + "]";
    }

    private static int bytes(String base64) {
        try {
            return Base64.getDecoder().decode(base64).length;
        } catch (IllegalArgumentException e) {
            return 0;
        }
    }

    private static boolean isHttp(String url) {
        try {
            String scheme = URI.create(url).getScheme();
            return "http".equals(scheme) || "https".equals(scheme);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static void require(boolean right, Setting setting, String value, String remedy) {
        if (!right) {
            throw new ConfigurationException(setting + "=" + value + " is not usable: " + remedy);
        }
    }
}
