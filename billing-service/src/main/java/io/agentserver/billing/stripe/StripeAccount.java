package io.agentserver.billing.stripe;

import com.stripe.StripeClient;
import com.stripe.exception.StripeException;
import com.stripe.model.Customer;
import com.stripe.model.Dispute;
import com.stripe.model.HasId;
import com.stripe.model.PaymentIntent;
import com.stripe.model.Refund;
import com.stripe.model.StripeCollection;
import com.stripe.model.StripeObject;
import com.stripe.model.checkout.Session;
import com.stripe.net.RequestOptions;
import com.stripe.param.CustomerCreateParams;
import com.stripe.param.DisputeListParams;
import com.stripe.param.PaymentIntentListParams;
import com.stripe.param.RefundListParams;
import com.stripe.param.billing.MeterEventCreateParams;
import com.stripe.param.checkout.SessionCreateParams;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.topup.Checkout;
import io.agentserver.billing.topup.PaymentsAwayException;
import io.agentserver.billing.topup.TopUpAmount;
import io.agentserver.envelope.TenantId;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The calls of Stripe's API that billing makes, through Stripe's own library. What creates something carries an idempotency
 * key, by which Stripe recognises a repeat for a day at least; the library repeats a call that failed or timed out, with the
 * same key, twice. Safe on any thread; blocks, some 30 s at most.
 */
public final class StripeAccount implements Checkout {
    /** Of a customer, a page and a payment: whose they are. */
    static final String TENANT = "tenant";

    static final String CURRENCY = "usd";

    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(3);
    private static final int RETRIES = 2;
    private static final long PAGE = 100;

    private final StripeClient client;
    private final StripeSettings settings;
    private final LedgerStore store;

    public StripeAccount(StripeSettings settings, LedgerStore store) {
        this(settings, store, Duration.ofSeconds(8));
    }

    /** @param readLimit how long an answer may take */
    StripeAccount(StripeSettings settings, LedgerStore store, Duration readLimit) {
        this.settings = settings;
        this.store = store;
        StripeClient.StripeClientBuilder builder = StripeClient.builder()
                .setApiKey(settings.key())
                .setConnectTimeout((int) CONNECT_LIMIT.toMillis())
                .setReadTimeout((int) readLimit.toMillis())
                .setMaxNetworkRetries(RETRIES);
        if (!settings.apiBase().isEmpty()) {
            builder.setApiBase(settings.apiBase());
        }
        this.client = builder.build();
    }

    /** Whether real money moves. */
    boolean isLive() {
        return settings.isLive();
    }

    /** The tenant's customer, made if there is none. */
    String customer(TenantId tenant) {
        Optional<String> known = store.customer(tenant, settings.isLive());
        if (known.isPresent()) {
            return known.get();
        }
        Customer made = calling(() -> client.v1()
                .customers()
                .create(
                        CustomerCreateParams.builder()
                                .setName(tenant.value())
                                .putMetadata(TENANT, tenant.value())
                                .build(),
                        once("customer:" + tenant)));
        return store.keepCustomer(tenant, settings.isLive(), made.getId());
    }

    @Override
    public URI page(TenantId tenant, UUID attempt, TopUpAmount amount, URI success, URI cancel) {
        SessionCreateParams params = SessionCreateParams.builder()
                .setMode(SessionCreateParams.Mode.PAYMENT)
                .setCustomer(customer(tenant))
                .setClientReferenceId(tenant.value())
                .putMetadata(TENANT, tenant.value())
                .setPaymentIntentData(SessionCreateParams.PaymentIntentData.builder()
                        .putMetadata(TENANT, tenant.value())
                        .setDescription("AgentServer credit for " + tenant)
                        .build())
                .addLineItem(SessionCreateParams.LineItem.builder()
                        .setQuantity(1L)
                        .setPriceData(SessionCreateParams.LineItem.PriceData.builder()
                                .setCurrency(CURRENCY)
                                .setUnitAmount((long) amount.cents())
                                .setProductData(SessionCreateParams.LineItem.PriceData.ProductData.builder()
                                        .setName("AgentServer credit")
                                        .build())
                                .build())
                        .build())
                .setSuccessUrl(success.toString())
                .setCancelUrl(cancel.toString())
                .build();
        // the amount is in the key, for Stripe refuses another content under a key that it knows
        String key = "checkout:" + tenant + ":" + attempt + ":" + amount.cents();
        Session session = calling(() -> client.v1().checkout().sessions().create(params, once(key)));
        return URI.create(session.getUrl());
    }

    /** Empty if our account has no such payment. */
    Optional<PaymentIntent> payment(String id) {
        try {
            return Optional.of(client.v1().paymentIntents().retrieve(id));
        } catch (StripeException e) {
            if (Integer.valueOf(404).equals(e.getStatusCode())) {
                return Optional.empty();
            }
            throw away(e);
        }
    }

    List<Refund> refundsOf(String payment) {
        return all(() -> client.v1()
                .refunds()
                .list(RefundListParams.builder()
                        .setPaymentIntent(payment)
                        .setLimit(PAGE)
                        .build()));
    }

    List<Dispute> disputesOf(String payment) {
        return all(() -> client.v1()
                .disputes()
                .list(DisputeListParams.builder()
                        .setPaymentIntent(payment)
                        .setLimit(PAGE)
                        .build()));
    }

    /** Those that were begun since then. */
    List<PaymentIntent> payments(Instant since) {
        return all(() -> client.v1()
                .paymentIntents()
                .list(PaymentIntentListParams.builder()
                        .setCreated(PaymentIntentListParams.Created.builder()
                                .setGte(since.getEpochSecond())
                                .build())
                        .setLimit(PAGE)
                        .build()));
    }

    List<Refund> refunds(Instant since) {
        return all(() -> client.v1()
                .refunds()
                .list(RefundListParams.builder()
                        .setCreated(RefundListParams.Created.builder()
                                .setGte(since.getEpochSecond())
                                .build())
                        .setLimit(PAGE)
                        .build()));
    }

    List<Dispute> disputes(Instant since) {
        return all(() -> client.v1()
                .disputes()
                .list(DisputeListParams.builder()
                        .setCreated(DisputeListParams.Created.builder()
                                .setGte(since.getEpochSecond())
                                .build())
                        .setLimit(PAGE)
                        .build()));
    }

    /** Once, by the batch's id, however often it is told within a day. */
    void meter(MeterBatch batch) throws StripeException {
        client.v1()
                .billing()
                .meterEvents()
                .create(
                        MeterEventCreateParams.builder()
                                .setEventName(settings.meter())
                                .setIdentifier(batch.id().toString())
                                .setTimestamp(batch.at().getEpochSecond())
                                .putPayload("stripe_customer_id", customer(batch.tenant()))
                                .putPayload(
                                        "value", Long.toString(batch.amount().value()))
                                .build(),
                        once("meter:" + batch.id()));
    }

    static PaymentsAwayException away(StripeException e) {
        // its message may repeat what was sent; code and request id are what Stripe's support asks for
        return new PaymentsAwayException(
                "Stripe did not do it: status " + e.getStatusCode() + ", code " + e.getCode() + ", request "
                        + e.getRequestId(),
                e);
    }

    private static RequestOptions once(String key) {
        return RequestOptions.builder().setIdempotencyKey("agentserver:" + key).build();
    }

    private interface Call<T> {
        T make() throws StripeException;
    }

    private static <T> T calling(Call<T> call) {
        try {
            return call.make();
        } catch (StripeException e) {
            throw away(e);
        }
    }

    private static <T extends StripeObject & HasId> List<T> all(Call<StripeCollection<T>> list) {
        StripeCollection<T> first = calling(list);
        try {
            return java.util.stream.StreamSupport.stream(
                            first.autoPagingIterable().spliterator(), false)
                    .toList();
        } catch (RuntimeException e) {
            // the library wraps what a later page throws
            if (e.getCause() instanceof StripeException cause) {
                throw away(cause);
            }
            throw e;
        }
    }
}
