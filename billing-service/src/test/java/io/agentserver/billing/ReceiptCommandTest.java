package io.agentserver.billing;

import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

/** Each call's price is 140. */
class ReceiptCommandTest {
    private final TenantId tenant = Calls.newTenant();
    private final MemoryLedgerStore store = new MemoryLedgerStore();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(bytes, true, UTF_8);

    @Test
    void shows_which_meter_event_has_a_receipt_and_whether_stripe_has_that() {
        UUID receipt = post();
        UUID event = Ids.v7();
        String call =
                "receipt " + receipt + ": " + tenant + ", 2026-03-14T12:00:00Z, 0.000140 USD, openai/gpt-x for greeter";
        String batch = "meter event " + event + ": batch 1 of " + tenant
                + ", sealed at 2026-03-14T12:00:00Z, 0.000140 USD, Stripe has";

        assertThat(show(receipt)).isZero();
        assertThat(said()).containsExactly(call, "batch 1 of " + tenant + ": still open, Stripe has not been told");

        store.seal(tenant, event, Calls.NOON);
        assertThat(show(receipt)).isZero();
        assertThat(said()).containsExactly(call, batch + " not confirmed it");

        store.told(store.pending(tenant).getFirst());
        assertThat(show(receipt)).isZero();
        assertThat(said()).containsExactly(call, batch + " it");
    }

    @Test
    void says_of_an_open_batch_that_an_older_version_took_from_that_it_may_be_told() {
        UUID receipt = post();
        MeterOutbox taken = (MeterOutbox) Proxy.newProxyInstance(
                MeterOutbox.class.getClassLoader(),
                new Class<?>[] {MeterOutbox.class},
                (_, method, given) -> method.getName().equals("open")
                        ? new MeterOutbox.Open(1, MicroUsd.ZERO, new MicroUsd(140), null, null)
                        : method.invoke(store, given));

        assertThat(ReceiptCommand.show(receipt, store, taken, out)).isZero();

        assertThat(said())
                .last()
                .isEqualTo(
                        "batch 1 of " + tenant + ": still open, but an older version of billing has told Stripe of some"
                                + " of it, perhaps of this");
    }

    @Test
    void lists_the_receipts_of_a_meter_event() {
        UUID first = post();
        UUID second = post();
        UUID event = Ids.v7();
        store.seal(tenant, event, Calls.NOON);
        post();

        assertThat(show(event)).isZero();
        String call = " 2026-03-14T12:00:00Z, 0.000140 USD, openai/gpt-x for greeter";
        assertThat(said())
                .hasSize(4)
                .startsWith("meter event " + event + ": batch 1 of " + tenant
                        + ", sealed at 2026-03-14T12:00:00Z, 0.000280 USD, Stripe has not confirmed it")
                .contains(first + call, second + call)
                .endsWith("receipts: 2");
    }

    @Test
    void says_that_it_knows_no_such_id() {
        UUID id = Ids.v7();

        assertThat(show(id)).isEqualTo(1);
        assertThat(said()).containsExactly(id + ": no receipt, and no meter event that says which calls are in it");
    }

    @Test
    void refuses_what_is_no_id() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();

        int exit = ReceiptCommand.run(List.of("pi_1"), Map.of(), out, new PrintStream(err, true, UTF_8));

        assertThat(exit).isEqualTo(2);
        assertThat(err.toString(UTF_8))
                .startsWith("agentserver receipt takes a receipt or a meter event's identifier, a UUID; it got: pi_1");
    }

    @Test
    void looks_into_the_ledger_that_the_environment_names() {
        UUID id = Ids.v7();
        io.agentserver.billing.ledger.dynamo.LedgerTable.createIfAbsent(TestStores.dynamo());

        int exit = ReceiptCommand.run(
                List.of(id.toString()), Map.of("AGENTSERVER_DYNAMODB_URL", TestStores.dynamoUrl()), out, System.err);

        assertThat(exit).isEqualTo(1);
        assertThat(said()).singleElement().asString().startsWith(id + ": no receipt");
    }

    private UUID post() {
        UUID receipt = Ids.v7();
        store.post(tenant, List.of(PostingGroup.of(Calls.call(tenant, receipt))));
        return receipt;
    }

    private int show(UUID id) {
        return ReceiptCommand.show(id, store, store, out);
    }

    private List<String> said() {
        List<String> lines = bytes.toString(UTF_8).lines().toList();
        bytes.reset();
        return lines;
    }
}
