package io.agentserver.billing.reconcile;

import org.jspecify.annotations.Nullable;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.UUID;

/**
 * What one place says of one receipt.
 *
 * @param tenant whose call it is there
 * @param price micro-USD; 0 in a slot, which has none
 * @param recent of a call that was made so shortly before the look that it may be on its way
 * @param slot where it is, in words; in the place of slots alone
 */
record Testimony(
        UUID receipt,
        Place place,
        String tenant,
        long price,
        boolean recent,
        @Nullable String slot) {
    enum Place {
        SLOT,
        USAGE,
        LEDGER
    }

    void write(DataOutputStream out) throws IOException {
        out.writeLong(receipt.getMostSignificantBits());
        out.writeLong(receipt.getLeastSignificantBits());
        out.writeUTF(place.name());
        out.writeUTF(tenant);
        out.writeLong(price);
        out.writeBoolean(recent);
        out.writeUTF(slot == null ? "" : slot);
    }

    /** @throws java.io.EOFException if there is no more */
    static Testimony read(DataInputStream in) throws IOException {
        UUID receipt = new UUID(in.readLong(), in.readLong());
        Place place = Place.valueOf(in.readUTF());
        String tenant = in.readUTF();
        long price = in.readLong();
        boolean recent = in.readBoolean();
        String slot = in.readUTF();
        return new Testimony(receipt, place, tenant, price, recent, slot.isEmpty() ? null : slot);
    }
}
