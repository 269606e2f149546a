package io.agentserver.billing.stripe;

import com.stripe.exception.SignatureVerificationException;
import com.stripe.net.Webhook;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/**
 * An event that Stripe sends: is it Stripe's, for us, and now? Then the payment that it is about is settled. Safe on any
 * thread; blocks until it is durable.
 */
public final class StripeWebhook {
    /** How far a signature's time may be from ours, either way. */
    static final Duration TOLERANCE = Duration.ofSeconds(300);

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final StripeSettings settings;
    private final Settlement settlement;
    private final Clock clock;

    /** What an event came to. */
    public sealed interface Outcome {
        /** Whatever it means is in the ledger. */
        record Applied() implements Outcome {}

        /** It means nothing to us. */
        record Ignored() implements Outcome {}

        /** Not Stripe's, not for us, or not now: it had no effect. */
        record Refused(String reason) implements Outcome {}
    }

    public StripeWebhook(StripeSettings settings, Settlement settlement, Clock clock) {
        this.settings = settings;
        this.settlement = settlement;
        this.clock = clock;
    }

    /**
     * @param body as it came, for the signature is over its bytes
     * @param signature the header {@code Stripe-Signature}
     */
    public Outcome receive(String body, String signature) {
        Optional<String> wrongSignature = wrongSignature(body, signature);
        if (wrongSignature.isPresent()) {
            return new Outcome.Refused(wrongSignature.get());
        }
        JsonNode event;
        try {
            event = JSON.readTree(body);
        } catch (JacksonException e) {
            return new Outcome.Refused("it is no JSON");
        }
        if (!event.path("object").asString("").equals("event")) {
            return new Outcome.Refused("it is no event");
        }
        if (!event.path("livemode").isBoolean() || event.path("livemode").booleanValue() != settings.isLive()) {
            return new Outcome.Refused("it is of the other mode (test or live)");
        }
        if (isOfAnother(event.path("account")) || isOfAnother(event.path("context"))) {
            return new Outcome.Refused("it is of another account");
        }
        return paymentOf(event.path("data").path("object")).map(this::settle).orElseGet(Outcome.Ignored::new);
    }

    /** Our own account's events name none; those of a platform with accounts below it (Connect) name whose they are. */
    private boolean isOfAnother(JsonNode account) {
        String name = account.asString("");
        return !name.isEmpty() && !name.equals(settings.account());
    }

    private Outcome settle(String payment) {
        return switch (settlement.settle(payment)) {
            case SETTLED -> new Outcome.Applied();
            case NO_TOP_UP -> new Outcome.Ignored();
            case UNKNOWN -> new Outcome.Refused("its payment is not of our account and mode");
        };
    }

    /** The library looks for old signatures only: those from the future are ours to refuse. */
    private Optional<String> wrongSignature(String body, String header) {
        try {
            Webhook.Signature.verifyHeader(body, header, settings.webhookSecret(), TOLERANCE.toSeconds(), clock);
        } catch (SignatureVerificationException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return Optional.of("its signature is not Stripe's, or too old");
        }
        long signedAt = Long.parseLong(first("t", header));
        return signedAt > clock.instant().getEpochSecond() + TOLERANCE.toSeconds()
                ? Optional.of("its signature is from the future")
                : Optional.empty();
    }

    /** Of a header that the library has read: its first, as there. */
    private static String first(String name, String header) {
        for (String item : header.split(",", -1)) {
            if (item.startsWith(name + "=")) {
                return item.substring(name.length() + 1);
            }
        }
        throw new IllegalStateException("a verified signature without " + name);
    }

    /** What an event is about says its payment's id; only a payment has it as its own. */
    private static Optional<String> paymentOf(JsonNode object) {
        String id = switch (object.path("object").asString("")) {
            case "payment_intent" -> object.path("id").asString("");
            case "checkout.session", "charge", "refund", "dispute" -> payment(object.path("payment_intent"));
            default -> "";
        };
        return id.isEmpty() ? Optional.empty() : Optional.of(id);
    }

    /** An id, or the payment itself where it was expanded. */
    private static String payment(JsonNode reference) {
        return reference.isObject() ? reference.path("id").asString("") : reference.asString("");
    }
}
