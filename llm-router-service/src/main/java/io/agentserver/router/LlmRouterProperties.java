package io.agentserver.router;

import io.agentserver.service.ConfigurationException;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

import java.time.Duration;

/**
 * The router's settings; {@code llm-router.yml} says which environment variable each comes from.
 *
 * @param kafka host:port of the brokers, with commas
 * @param kafkaProperties file: how the brokers want to be spoken to; empty: plain text
 * @param kafkaReplication replicas of the topic {@code usage} if it is not there yet; -1: the brokers' default
 * @param redisUrl one node, or several of one Redis Cluster with commas
 * @param dynamodbUrl where tenants' data keys are, needed where one has own keys of providers; empty: the AWS region's own
 * @param platformKey file with the platform's keys
 * @param routes file with providers and routes; empty: by the provider keys in the environment
 * @param maxRequest of a request's body
 * @param cache how long answers are kept where a route does not say; 0: not at all
 * @param cacheAnswer bytes of an answer that is kept, at most
 * @param cacheTenant of all of a tenant's, at most
 * @param onceAnswer bytes of an answer that is kept under its idempotency key, at most
 * @param onceTenant of all of a tenant's, at most
 * @param onceKeys idempotency keys of a tenant that are remembered at once, at most
 * @param usagePatience how long an answer waits for its usage record's acknowledgement
 * @param holdGrace how long after its call's time limit a hold on credit lapses
 * @param sweepEvery how often lapsed holds are looked for
 * @param startPatience how long a start waits for Kafka and Redis
 */
@ConfigurationProperties("agentserver.llm-router")
record LlmRouterProperties(
        String kafka,
        String kafkaProperties,
        int kafkaReplication,
        String redisUrl,
        String dynamodbUrl,
        String platformKey,
        String routes,
        DataSize maxRequest,
        Duration cache,
        DataSize cacheAnswer,
        DataSize cacheTenant,
        DataSize onceAnswer,
        DataSize onceTenant,
        int onceKeys,
        Duration usagePatience,
        Duration holdGrace,
        Duration sweepEvery,
        Duration startPatience) {
    /** After a jump of Redis' clock running calls do not count as calls at once until the next one. */
    private static final Duration MOST_BETWEEN_SWEEPS = Duration.ofSeconds(20);

    LlmRouterProperties {
        requireSet("AGENTSERVER_KAFKA", kafka, "name the brokers as host:port");
        requireSet("AGENTSERVER_REDIS_URL", redisUrl, "name it as redis://host:port");
        requireSet("AGENTSERVER_PLATFORM_KEY", platformKey, "name the file with the platform's JWK Set");
        if (maxRequest.toBytes() < 1 || maxRequest.compareTo(DataSize.ofMegabytes(256)) > 0) {
            throw new ConfigurationException(
                    "agentserver.llm-router.max-request=" + maxRequest + ": choose 1B to 256MB");
        }
        if (cache.isNegative() || cacheAnswer.toBytes() < 1 || cacheTenant.compareTo(cacheAnswer) < 0) {
            throw new ConfigurationException("agentserver.llm-router.cache=" + cache + ", cache-answer=" + cacheAnswer
                    + ", cache-tenant=" + cacheTenant
                    + ": the first must not be below 0, and the last not below the one before it");
        }
        if (onceAnswer.toBytes() < 1 || onceTenant.compareTo(onceAnswer) < 0 || onceKeys < 1) {
            throw new ConfigurationException("agentserver.llm-router.once-answer=" + onceAnswer + ", once-tenant="
                    + onceTenant + ", once-keys=" + onceKeys
                    + ": each must be 1 or more, and the second not below the first");
        }
        if (!usagePatience.isPositive()
                || !startPatience.isPositive()
                || !holdGrace.isPositive()
                || !sweepEvery.isPositive()
                || sweepEvery.compareTo(MOST_BETWEEN_SWEEPS) > 0) {
            throw new ConfigurationException("agentserver.llm-router.usage-patience=" + usagePatience
                    + ", start-patience=" + startPatience + ", hold-grace=" + holdGrace + ", sweep-every=" + sweepEvery
                    + ": each must be over 0, and the last at most " + MOST_BETWEEN_SWEEPS);
        }
    }

    private static void requireSet(String setting, String value, String remedy) {
        if (value.isBlank()) {
            throw new ConfigurationException(setting + " is not set: " + remedy);
        }
    }
}
