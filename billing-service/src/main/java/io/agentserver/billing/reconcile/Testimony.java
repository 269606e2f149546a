package io.agentserver.billing.reconcile;

import org.jspecify.annotations.Nullable;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.UUID;

/**
 * What one place says of one receipt; or of one sealed batch of a tenant's calls, which goes the same way.
 *
 * @param receipt or the key of a batch
 * @param tenant whose call it is there
 * @param price micro-USD; 0 in a slot, which has none; of a batch what all its calls should cost
 * @param calls 1; of a batch how many it should have
 * @param recent of a call that was made so shortly before the look that it may be on its way
 * @param where it is, in words; in the places of slots and of batches
 */
record Testimony(
        UUID receipt,
        Place place,
        String tenant,
        long price,
        long calls,
        boolean recent,
        @Nullable String where) {
    enum Place {
        SLOT,
        USAGE,
        LEDGER,
        /** A call whose posting group says which batch it is in. */
        BATCHED,
        /** A batch that was sealed, and became a meter event. */
        EVENT,
        /** The same batch by its identifier, with what Stripe is to be told. */
        SEALED,
        /** What Stripe was told, or is to be, by identifier. */
        TOLD
    }

    Testimony(UUID receipt, Place place, String tenant, long price, boolean recent, @Nullable String where) {
        this(receipt, place, tenant, price, 1, recent, where);
    }

    void write(DataOutputStream out) throws IOException {
        out.writeLong(receipt.getMostSignificantBits());
        out.writeLong(receipt.getLeastSignificantBits());
        out.writeUTF(place.name());
        out.writeUTF(tenant);
        out.writeLong(price);
        out.writeLong(calls);
        out.writeBoolean(recent);
        out.writeUTF(where == null ? "" : where);
    }

    /** @throws java.io.EOFException if there is no more */
    static Testimony read(DataInputStream in) throws IOException {
        UUID receipt = new UUID(in.readLong(), in.readLong());
        Place place = Place.valueOf(in.readUTF());
        String tenant = in.readUTF();
        long price = in.readLong();
        long calls = in.readLong();
        boolean recent = in.readBoolean();
        String where = in.readUTF();
        return new Testimony(receipt, place, tenant, price, calls, recent, where.isEmpty() ? null : where);
    }
}
