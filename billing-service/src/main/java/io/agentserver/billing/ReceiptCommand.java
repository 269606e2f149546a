package io.agentserver.billing;

import io.agentserver.billing.ledger.BatchCalls;
import io.agentserver.billing.ledger.CallUsage;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.SealedBatch;
import io.agentserver.billing.ledger.dynamo.DynamoConnection;
import io.agentserver.billing.ledger.dynamo.DynamoLedgerStore;
import io.agentserver.billing.ledger.dynamo.DynamoMeterOutbox;
import io.agentserver.service.ServiceApplication;
import io.agentserver.service.Setting;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * {@code receipt <id>}: from a receipt to the meter event by which Stripe was told of its call; and from a meter event's
 * identifier to the receipts in it, one on a line. Over the ledger that the environment names, without a running billing;
 * changes nothing.
 */
public final class ReceiptCommand {
    private ReceiptCommand() {}

    /** @return 0: found; 1: there is none, or not all of it; 2: it could not be found out */
    public static int run(List<String> words, Map<String, String> environment, PrintStream out, PrintStream err) {
        Optional<UUID> id = words.size() == 1 ? uuid(words.getFirst()) : Optional.empty();
        if (id.isEmpty()) {
            err.println("agentserver receipt takes a receipt or a meter event's identifier, a UUID; it got: "
                    + String.join(" ", words));
            return 2;
        }
        String url = environment.getOrDefault(Setting.AGENTSERVER_DYNAMODB_URL.name(), "");
        try (var dynamo = DynamoConnection.to(url)) {
            return show(id.get(), new DynamoLedgerStore(dynamo), new DynamoMeterOutbox(dynamo), out);
        } catch (RuntimeException e) {
            err.println("agentserver cannot look the receipt up: " + ServiceApplication.reason(e));
            return 2;
        }
    }

    static int show(UUID id, LedgerStore store, MeterOutbox outbox, PrintStream out) {
        Optional<PostingGroup> call = store.find(GroupId.ofReceipt(id));
        if (call.isPresent()) {
            showReceipt(call.get(), outbox, out);
            return 0;
        }
        Optional<SealedBatch> event = outbox.sealed(id);
        if (event.isPresent()) {
            return showEvent(event.get(), store, outbox, out);
        }
        out.println(id + ": no receipt, and no meter event that says which calls are in it");
        return 1;
    }

    private static void showReceipt(PostingGroup call, MeterOutbox outbox, PrintStream out) {
        out.println("receipt " + call.id().reference() + ": " + call.tenant() + ", " + line(call));
        Long number = call.batch();
        if (number == null) {
            out.println("an older version of billing posted it, and did not write down which meter event has it");
            return;
        }
        Optional<SealedBatch> batch = outbox.sealed(call.tenant(), number);
        if (batch.isPresent()) {
            out.println(line(batch.get(), outbox));
        } else {
            MeterOutbox.Open open = outbox.open(call.tenant());
            boolean isTold = open.number() == number && open.amount().compareTo(open.named()) < 0;
            out.println("batch " + number + " of " + call.tenant()
                    + (isTold
                            ? ": still open, but an older version of billing has told Stripe of some of it, perhaps of this"
                            : ": still open, Stripe has not been told"));
        }
    }

    private static int showEvent(SealedBatch batch, LedgerStore store, MeterOutbox outbox, PrintStream out) {
        out.println(line(batch, outbox));
        long missing = new BatchCalls(store)
                .forEach(batch, call -> out.println(call.id().reference() + " " + line(call)));
        if (missing == 0) {
            out.println("receipts: " + batch.calls());
            return 0;
        }
        out.println("receipts: " + (batch.calls() - missing) + " of " + batch.calls()
                + "; if it was sealed a moment ago the others are listed in a second");
        return 1;
    }

    private static String line(PostingGroup call) {
        CallUsage usage = Objects.requireNonNull(call.usage());
        return call.at() + ", " + usage.price() + ", " + usage.model()
                + (usage.listener() == null ? "" : " for " + usage.listener());
    }

    private static String line(SealedBatch batch, MeterOutbox outbox) {
        return "meter event " + batch.id() + ": batch " + batch.number() + " of " + batch.tenant() + ", sealed at "
                + batch.at() + ", " + batch.amount() + ", "
                + (outbox.isTold(batch) ? "Stripe has it" : "Stripe has not confirmed it")
                + (batch.isWhole()
                        ? ""
                        : "; the calls that name it cost " + batch.named()
                                + ", for an older version of billing ran beside this one");
    }

    private static Optional<UUID> uuid(String text) {
        try {
            return Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
