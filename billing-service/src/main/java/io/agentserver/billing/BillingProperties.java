package io.agentserver.billing;

import io.agentserver.billing.stripe.StripeSettings;
import io.agentserver.log.Brokers;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Loopback;
import io.agentserver.service.Setting;
import org.springframework.boot.context.properties.ConfigurationProperties;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * What billing needs to know.
 *
 * @param kafka {@code host:port} of the brokers, with commas
 * @param kafkaProperties file: how the brokers want to be spoken to; empty: plain text
 * @param dynamodbUrl DynamoDB's endpoint; empty: the AWS region's own
 * @param redisUrl one node, or several of one Redis Cluster with commas; empty: a command that needs none
 * @param platformKey file with the platform's keys, by which calls from other services are verified
 * @param bind the address that billing listens on
 * @param testCard whether a top-up without Stripe posts at once, as a test: in dev alone, so only on loopback
 * @param bufferAddress {@code host:port} of the buffer's gRPC, for reconciling; empty: slots are not compared
 * @param reconcileEvery at least a minute; 0: another process does it
 * @param stripe no key: no Stripe
 */
@ConfigurationProperties(prefix = "agentserver.billing", ignoreUnknownFields = false)
record BillingProperties(
        String kafka,
        String kafkaProperties,
        String dynamodbUrl,
        String redisUrl,
        String platformKey,
        String bind,
        boolean testCard,
        String bufferAddress,
        Duration reconcileEvery,
        StripeSettings stripe) {
    private static final Pattern ADDRESS = Pattern.compile("[^\\s,:]+:\\d{1,5}");
    private static final Pattern ADDRESSES = Pattern.compile("[^\\s,:]+:\\d{1,5}(,[^\\s,:]+:\\d{1,5})*");

    BillingProperties {
        if (!ADDRESSES.matcher(kafka).matches()) {
            throw new ConfigurationException(Setting.AGENTSERVER_KAFKA + "=" + kafka
                    + " names no brokers: set it to host:port, several with commas");
        }
        if (!dynamodbUrl.isEmpty() && !isUrl(dynamodbUrl)) {
            throw new ConfigurationException(Setting.AGENTSERVER_DYNAMODB_URL + "=" + dynamodbUrl
                    + " is no http or https URL: set it to one, or leave it out for the AWS region's own");
        }
        if (platformKey.isBlank()) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_PLATFORM_KEY + " is not set: name the file with the platform's keys (JWK Set)");
        }
        if (!bufferAddress.isEmpty() && !ADDRESS.matcher(bufferAddress).matches()) {
            throw new ConfigurationException(Setting.AGENTSERVER_BUFFER_ADDRESS + "=" + bufferAddress
                    + " is no address: set it to host:port, or leave it out to reconcile without slots");
        }
        if (testCard && !Loopback.is(bind)) {
            throw new ConfigurationException(Setting.AGENTSERVER_TEST_CARD + "=true gives credit to whoever asks: set "
                    + Setting.AGENTSERVER_BIND + "=127.0.0.1, or leave it out");
        }
        if (!reconcileEvery.isZero() && reconcileEvery.compareTo(Duration.ofMinutes(1)) < 0) {
            throw new ConfigurationException(Setting.AGENTSERVER_RECONCILE_EVERY + "=" + reconcileEvery
                    + " is too short: give at least 1m, or 0 where another process reconciles");
        }
    }

    /** For a command, which has no Spring to read them: the same names and defaults as in {@code billing.yml}. */
    static BillingProperties of(Map<String, String> environment) {
        UnaryOperator<String> text = name -> environment.getOrDefault(name, "");
        return new BillingProperties(
                text.apply(Setting.AGENTSERVER_KAFKA.name()),
                text.apply(Setting.AGENTSERVER_KAFKA_PROPERTIES.name()),
                text.apply(Setting.AGENTSERVER_DYNAMODB_URL.name()),
                "",
                text.apply(Setting.AGENTSERVER_PLATFORM_KEY.name()),
                "",
                false,
                text.apply(Setting.AGENTSERVER_BUFFER_ADDRESS.name()),
                Duration.ofDays(1),
                new StripeSettings(
                        text.apply(Setting.AGENTSERVER_STRIPE_KEY.name()),
                        text.apply(Setting.AGENTSERVER_STRIPE_WEBHOOK_SECRET.name()),
                        text.apply(Setting.AGENTSERVER_STRIPE_ACCOUNT.name()),
                        environment.getOrDefault(Setting.AGENTSERVER_STRIPE_METER.name(), StripeSettings.METER),
                        text.apply(Setting.AGENTSERVER_STRIPE_URL.name())));
    }

    Brokers brokers() {
        return Brokers.of(kafka, kafkaProperties);
    }

    Path platformKeyFile() {
        return Path.of(platformKey);
    }

    private static boolean isUrl(String text) {
        try {
            URI url = URI.create(text);
            return url.getHost() != null && ("http".equals(url.getScheme()) || "https".equals(url.getScheme()));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
