package io.agentserver.pump;

import io.agentserver.service.ConfigurationException;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Base64;

/**
 * The pump's settings; {@code pump.yml} says which environment variable each comes from.
 *
 * @param kafka host:port of the brokers, with commas
 * @param kafkaProperties file: how the brokers want to be spoken to; empty: plain text
 * @param platformKey file with the platform's keys
 * @param platformSecret base64 of at least 32 bytes: authenticates records on the log
 * @param bufferAddress host:port of the buffer's gRPC
 * @param llmUrl the router's base URL, without {@code /v1}
 * @param allowLoopback whether http listeners may have loopback URLs; in dev alone
 * @param startPatience how long a start waits for Kafka
 * @param drain how long a stop waits for what is being handled
 * @param keepLog how long a finished record stays on the log at least
 * @param inFlight the bounds of what is taken from the log and not finished
 */
@ConfigurationProperties("agentserver.pump")
record PumpProperties(
        String kafka,
        String kafkaProperties,
        String platformKey,
        String platformSecret,
        String bufferAddress,
        String llmUrl,
        boolean allowLoopback,
        Duration startPatience,
        Duration drain,
        Duration keepLog,
        InFlight inFlight) {

    /** Messages of a partition, of a tenant, and in all; bytes of them in all; bytes of the histories that handlers hold. */
    record InFlight(int partition, int tenant, int all, DataSize size, DataSize history) {
        InFlight {
            if (partition < 1 || tenant < partition || all < tenant || size.toBytes() < 1 || history.toBytes() < 1) {
                throw new ConfigurationException("agentserver.pump.in-flight.*: partition=" + partition + ", tenant="
                        + tenant + ", all=" + all + ", size=" + size + ", history=" + history
                        + ": each must be 1 or more, and partition <= tenant <= all");
            }
        }
    }

    PumpProperties {
        requireSet("AGENTSERVER_KAFKA", kafka, "name the brokers as host:port");
        requireSet("AGENTSERVER_PLATFORM_KEY", platformKey, "name the file with the platform's JWK Set");
        requireSet("AGENTSERVER_PLATFORM_SECRET", platformSecret, "give the base64 of at least 32 random bytes");
        requireSet("AGENTSERVER_BUFFER_ADDRESS", bufferAddress, "name the buffer as host:port");
        requireUrl("AGENTSERVER_LLM_URL", llmUrl);
        if (!keepLog.isPositive()) {
            throw new ConfigurationException("agentserver.pump.keep-log=" + keepLog + ": must be over 0");
        }
        if (!startPatience.isPositive() || drain.isNegative()) {
            throw new ConfigurationException("agentserver.pump.start-patience=" + startPatience + ", drain=" + drain
                    + ": the first must be over 0, the second not under");
        }
    }

    byte[] secretBytes() {
        try {
            byte[] secret = Base64.getDecoder().decode(platformSecret.strip());
            if (secret.length >= 32) {
                return secret;
            }
        } catch (IllegalArgumentException e) {
            throw unfitSecret(e);
        }
        throw unfitSecret(new IllegalArgumentException("too short"));
    }

    /** The value is not repeated: it is a secret. */
    private static ConfigurationException unfitSecret(IllegalArgumentException cause) {
        return new ConfigurationException(
                "AGENTSERVER_PLATFORM_SECRET=…: is not the base64 of at least 32 bytes: give such a value", cause);
    }

    @Override
    public String toString() {
        return "PumpProperties[kafka=" + kafka + ", buffer=" + bufferAddress + ", llm=" + llmUrl + "]";
    }

    private static void requireSet(String setting, String value, String remedy) {
        if (value.isBlank()) {
            throw new ConfigurationException(setting + " is not set: " + remedy);
        }
    }

    private static void requireUrl(String setting, String value) {
        try {
            URI url = new URI(value);
            if (url.getHost() != null && String.valueOf(url.getScheme()).startsWith("http")) {
                return;
            }
        } catch (URISyntaxException e) {
            throw new ConfigurationException(setting + "=" + value + ": is no URL: write http://host:port", e);
        }
        throw new ConfigurationException(setting + "=" + value + ": is no http URL: write http://host:port");
    }
}
