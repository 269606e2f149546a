package io.agentserver.billing.stripe;

import com.stripe.StripeClient;
import com.stripe.exception.InvalidRequestException;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * The calls of Stripe's API that billing makes, through Stripe's own library. What creates something carries an idempotency
 * key, by which Stripe recognises a repeat for a day at least; the library repeats a call that failed or timed out, with the
 * same key, twice. Safe on any thread; blocks, some 30 s at most.
 */
public final class StripeAccount implements Checkout {
    private static final Logger LOG = LoggerFactory.getLogger(StripeAccount.class);

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
        Customer made = newCustomer(tenant, "customer:" + tenant);
        return store.keepCustomer(tenant, settings.isLive(), made.getId());
    }

    @Override
    public URI page(TenantId tenant, UUID attempt, TopUpAmount amount, URI success, URI cancel) {
        Session session = calling(
                () -> forCustomer(tenant, customer -> session(tenant, customer, attempt, amount, success, cancel)));
        return URI.create(session.getUrl());
    }

    private Session session(TenantId tenant, String customer, UUID attempt, TopUpAmount amount, URI success, URI cancel)
            throws StripeException {
        SessionCreateParams params = SessionCreateParams.builder()
                .setMode(SessionCreateParams.Mode.PAYMENT)
                .setCustomer(customer)
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
        // amount and customer are in the key, for Stripe refuses another content under a key that it knows
        String key = "checkout:" + tenant + ":" + attempt + ":" + amount.cents() + ":" + customer;
        return client.v1().checkout().sessions().create(params, once(key));
    }

    private interface OfCustomer<T> {
        T make(String customer) throws StripeException;
    }

    /** Somebody may have deleted the customer at Stripe, or the key is another account's now: then it is made anew, once. */
    private <T> T forCustomer(TenantId tenant, OfCustomer<T> call) throws StripeException {
        String customer = customer(tenant);
        try {
            return call.make(customer);
        } catch (InvalidRequestException e) {
            if (!isOfMissingCustomer(e)) {
                throw e;
            }
            // with a key of its own, or Stripe would answer with the one that is gone
            Customer made = newCustomer(tenant, "customer:" + tenant + ":after:" + customer);
            String kept = store.replaceCustomer(tenant, settings.isLive(), customer, made.getId());
            LOG.warn(
                    "Stripe has no customer {} of {} any more; {} is in its place: what stood on it at Stripe, as a"
                            + " subscription, has to be made there again",
                    customer,
                    tenant,
                    kept);
            return call.make(kept);
        }
    }

    private static boolean isOfMissingCustomer(InvalidRequestException e) {
        return "resource_missing".equals(e.getCode())
                && (String.valueOf(e.getParam()).contains("customer")
                        || String.valueOf(e.getMessage()).contains("No such customer"));
    }

    private Customer newCustomer(TenantId tenant, String key) {
        return calling(() -> client.v1()
                .customers()
                .create(
                        CustomerCreateParams.builder()
                                .setName(tenant.value())
                                .putMetadata(TENANT, tenant.value())
                                .build(),
                        once(key)));
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
        List<Refund> all = new ArrayList<>();
        forEach(
                () -> client.v1()
                        .refunds()
                        .list(RefundListParams.builder()
                                .setPaymentIntent(payment)
                                .setLimit(PAGE)
                                .build()),
                all::add);
        return all;
    }

    List<Dispute> disputesOf(String payment) {
        List<Dispute> all = new ArrayList<>();
        forEach(
                () -> client.v1()
                        .disputes()
                        .list(DisputeListParams.builder()
                                .setPaymentIntent(payment)
                                .setLimit(PAGE)
                                .build()),
                all::add);
        return all;
    }

    /** Those that were begun since then, newest first; a page of {@value #PAGE} is in memory at a time, likewise below. */
    void forEachPayment(Instant since, Consumer<PaymentIntent> visitor) {
        forEach(
                () -> client.v1()
                        .paymentIntents()
                        .list(PaymentIntentListParams.builder()
                                .setCreated(PaymentIntentListParams.Created.builder()
                                        .setGte(since.getEpochSecond())
                                        .build())
                                .setLimit(PAGE)
                                .build()),
                visitor);
    }

    void forEachRefund(Instant since, Consumer<Refund> visitor) {
        forEach(
                () -> client.v1()
                        .refunds()
                        .list(RefundListParams.builder()
                                .setCreated(RefundListParams.Created.builder()
                                        .setGte(since.getEpochSecond())
                                        .build())
                                .setLimit(PAGE)
                                .build()),
                visitor);
    }

    void forEachDispute(Instant since, Consumer<Dispute> visitor) {
        forEach(
                () -> client.v1()
                        .disputes()
                        .list(DisputeListParams.builder()
                                .setCreated(DisputeListParams.Created.builder()
                                        .setGte(since.getEpochSecond())
                                        .build())
                                .setLimit(PAGE)
                                .build()),
                visitor);
    }

    /** Once, by the batch's id, however often it is told within a day. */
    void meter(MeterBatch batch) throws StripeException {
        forCustomer(
                batch.tenant(),
                customer -> client.v1()
                        .billing()
                        .meterEvents()
                        .create(
                                MeterEventCreateParams.builder()
                                        .setEventName(settings.meter())
                                        .setIdentifier(batch.id().toString())
                                        .setTimestamp(batch.at().getEpochSecond())
                                        .putPayload("stripe_customer_id", customer)
                                        .putPayload(
                                                "value",
                                                Long.toString(batch.amount().value()))
                                        .build(),
                                once("meter:" + batch.id() + ":" + customer)));
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

    private static <T extends StripeObject & HasId> void forEach(Call<StripeCollection<T>> list, Consumer<T> visitor) {
        Iterator<T> pages = calling(list).autoPagingIterable().iterator();
        for (Optional<T> each = next(pages); each.isPresent(); each = next(pages)) {
            visitor.accept(each.get());
        }
    }

    /** Here the next page is asked for; the library wraps what that throws. */
    private static <T> Optional<T> next(Iterator<T> pages) {
        try {
            return pages.hasNext() ? Optional.of(pages.next()) : Optional.empty();
        } catch (RuntimeException e) {
            if (e.getCause() instanceof StripeException cause) {
                throw away(cause);
            }
            throw e;
        }
    }
}
