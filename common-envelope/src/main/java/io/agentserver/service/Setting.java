package io.agentserver.service;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Every environment variable that a service reads, with its meaning. A service's {@code yml} names those that it uses; one
 * that is not in this list stops the service that finds it in its environment, for a misspelt setting is a setting lost.
 */
public enum Setting {
    AGENTSERVER_KAFKA("host:port of the brokers, with commas"),
    AGENTSERVER_KAFKA_PROPERTIES(
            "file: security.*, sasl.* and ssl.* of every Kafka client; empty: plain text, no user"),
    AGENTSERVER_KAFKA_REPLICATION("replicas of each topic; production 3, one machine 1"),
    AGENTSERVER_REDIS_URL("redis://host:port, or several nodes of one Redis Cluster with commas"),
    AGENTSERVER_DYNAMODB_URL("DynamoDB's endpoint; empty: the AWS region's own"),
    AGENTSERVER_PLATFORM_KEY("file: JWK Set of the platform's Ed25519 keys, the first one signs"),
    AGENTSERVER_PLATFORM_SECRET("base64 of at least 32 bytes: authenticates records on the log"),
    AGENTSERVER_OTLP_ENDPOINT("OTLP/HTTP endpoint of a trace collector; empty: traces are not exported"),
    AGENTSERVER_METRICS_TENANTS("how many tenants have series of their own in a metric of a process; default 200"),
    AGENTSERVER_LOG_FORMAT("json (default) or text"),
    AGENTSERVER_BIND("address that servers listen on; default all interfaces"),
    AGENTSERVER_GATEWAY_PORT(8080),
    AGENTSERVER_GATEWAY_MANAGEMENT_PORT(9080),
    AGENTSERVER_ADMIN_KEY("the operator's key for /admin/v1; at least 32 characters; empty: no admin API"),
    AGENTSERVER_STATIC_BUCKET("S3 bucket for schemas and prompts; empty: the gateway gives them out itself"),
    AGENTSERVER_STATIC_URL("the CloudFront distribution's URL in front of that bucket"),
    AGENTSERVER_STATIC_KEY("file: RSA private key (PEM) that signs that distribution's addresses"),
    AGENTSERVER_STATIC_KEY_ID("what CloudFront calls that key's public half"),
    AGENTSERVER_S3_URL("S3's endpoint; empty: the AWS region's own"),
    AGENTSERVER_BUFFER_ADDRESS(
            "host:port of the buffer's gRPC; in-process:port for the buffer of the same process that listens there"),
    AGENTSERVER_BUFFER_PORT(8082),
    AGENTSERVER_BUFFER_MANAGEMENT_PORT(9082),
    AGENTSERVER_BUFFER_STORE("memory, redis or tiered"),
    AGENTSERVER_BUFFER_TTL(
            "how long a conversation is kept after its last activity, if its tenant has no retention of its own; default 24h"),
    AGENTSERVER_BUFFER_THREAD_SLOTS("the most messages that one thread may hold; default 100000; 0: any number"),
    AGENTSERVER_BUFFER_CONVERSATION_BYTES(
            "the most that one conversation may hold, as 64MB, the default; 0B: any amount"),
    AGENTSERVER_BUFFER_TENANT_BYTES(
            "the most that a tenant's conversations may hold together, as 100GB; default 0B: any amount"),
    AGENTSERVER_BACKUP_BUCKET("S3 bucket that conversations are backed up to; empty: no backup"),
    AGENTSERVER_BACKUP_PREFIX("of the backup's keys in that bucket, as agentserver/; default none"),
    AGENTSERVER_BACKUP_REGION("that bucket's AWS region; empty: as AWS_REGION says"),
    AGENTSERVER_BACKUP_PERIOD("how often what has changed is backed up; default 10m"),
    AGENTSERVER_BACKUP_KEPT("how long a backup is kept; default 30d"),
    AGENTSERVER_LLM_URL("the router's base URL, without /v1"),
    AGENTSERVER_LLM_PORT(8081),
    AGENTSERVER_LLM_MANAGEMENT_PORT(9081),
    AGENTSERVER_LLM_ROUTES("file: providers and routes of the router; empty: by the keys in the environment"),
    AGENTSERVER_PUMP_MANAGEMENT_PORT(9083),
    AGENTSERVER_ALLOW_LOOPBACK("true only in dev: http listeners may have loopback URLs"),
    AGENTSERVER_BILLING_URL("billing's base URL"),
    AGENTSERVER_BILLING_PORT(8084),
    AGENTSERVER_BILLING_MANAGEMENT_PORT(9084),
    AGENTSERVER_TEST_CARD("true only in dev, on loopback: without Stripe's keys a top-up posts at once, as a test"),
    AGENTSERVER_STRIPE_KEY("Stripe's secret key, sk_test_… or sk_live_…; empty: no top-ups by Stripe"),
    AGENTSERVER_STRIPE_WEBHOOK_SECRET("Stripe's signing secret of our webhook endpoint, whsec_…"),
    AGENTSERVER_STRIPE_ACCOUNT("acct_… that Stripe's events must be of, should they name one; empty: none may"),
    AGENTSERVER_STRIPE_METER("event name of the meter at Stripe that usage goes to; default agentserver_llm_usage"),
    AGENTSERVER_STRIPE_URL("Stripe's API; empty: its own, https://api.stripe.com"),
    AGENTSERVER_RECONCILE_EVERY(
            "how often billing compares slots, usage, ledger and Stripe; default 24h; 0: another process does it"),
    AGENTSERVER_GATEWAY_URL("the gateway's base URL, which the console asks"),
    AGENTSERVER_CONSOLE_URL("the console's public URL, which ends in /console"),
    AGENTSERVER_CONSOLE_DEMO("true only in dev: sign-in to the console without a password, as the tenant demo"),
    AGENTSERVER_OIDC_ISSUER("OpenID Connect issuer that signs people in to the console; empty: nobody can sign in"),
    AGENTSERVER_OIDC_CLIENT_ID("the console's client id at that issuer"),
    AGENTSERVER_OIDC_CLIENT_SECRET("the console's client secret at that issuer"),
    // what `dev` writes for clients; a shell that has it may start a service
    AGENTSERVER_URL("for clients: the gateway's base URL"),
    AGENTSERVER_API_KEY("for clients: an API key"),
    AGENTSERVER_HOME("of `dev`: where its state lives; default .agentserver");

    private final String meaning;
    private final int defaultPort;

    Setting(String meaning) {
        this.meaning = meaning;
        this.defaultPort = 0;
    }

    Setting(int defaultPort) {
        this.meaning = "default " + defaultPort;
        this.defaultPort = defaultPort;
    }

    public String meaning() {
        return meaning;
    }

    String defaultPort() {
        return String.valueOf(defaultPort);
    }

    /** Those that are a port to listen on. */
    public static List<Setting> ports() {
        return Arrays.stream(values()).filter(s -> s.defaultPort > 0).toList();
    }

    /**
     * The port that this setting gives.
     *
     * @throws ConfigurationException if it is none, 1 to 65535
     */
    public int port(Map<String, String> environment) {
        String text = environment.getOrDefault(name(), String.valueOf(defaultPort));
        if (text.matches("[0-9]{1,5}")) {
            int port = Integer.parseInt(text);
            if (port >= 1 && port <= 65535) {
                return port;
            }
        }
        throw new ConfigurationException(this + "=" + text + " is no port: give a number from 1 to 65535");
    }

    static Optional<Setting> of(String name) {
        return Arrays.stream(values()).filter(s -> s.name().equals(name)).findFirst();
    }
}
