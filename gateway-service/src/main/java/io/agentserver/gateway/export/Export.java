package io.agentserver.gateway.export;

import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.billing.Billing;
import io.agentserver.gateway.deadletters.DeadLetters;
import io.agentserver.gateway.http.Json;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.gateway.threads.ThreadJson;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantEntry;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * All that the platform has of a tenant and that is the tenant's own, as one archive: what it is, its organism's versions, its
 * conversations and their messages (as NDJSON, and the envelopes as XML), its dead letters, its usage by day. It is written as it
 * is read, a page at a time, so that its length costs no memory. A store that is away is waited for, half a minute each time.
 *
 * <p>Nothing is held still meanwhile: a conversation that something is said in may be there twice, the second time whole, and each
 * file is as of when it was written; what began after the export did is not in it. Blocks; safe on any thread.
 */
public final class Export {
    private static final int PAGE = 100;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofMillis(500);

    private final ThreadBuffer buffer;
    private final DeadLetters letters;
    private final Billing billing;
    private final DynamoTenantTable table;
    private final Clock clock;

    public Export(ThreadBuffer buffer, DeadLetters letters, Billing billing, DynamoTenantTable table, Clock clock) {
        this.buffer = buffer;
        this.letters = letters;
        this.billing = billing;
        this.table = table;
        this.clock = clock;
    }

    /** Whoever it was for is nobody's caller any more, or this gateway stops. */
    static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Is handed each conversation once, or again when something was said in it since. */
    private interface Conversations {
        void take(Conversation conversation) throws IOException;
    }

    private interface Slots {
        void take(Slot slot) throws IOException;
    }

    /**
     * @param goesOn asked before each page
     * @throws Stopped when it said no
     * @throws Unavailable if a store did not come back in time
     * @throws IOException if {@code out} does not take it
     */
    void write(TenantEntry tenant, BooleanSupplier goesOn, OutputStream out) throws IOException {
        One one = new One(tenant, clock.instant(), goesOn);
        Archive archive = new Archive(out);
        archive.add("tenant.json", one::tenant);
        archive.add("organisms.ndjson", one::organisms);
        archive.add("usage.ndjson", one::usage);
        archive.add("conversations.ndjson", one::conversations);
        archive.add("messages.ndjson", one::messages);
        archive.add("messages.xml", one::envelopes);
        archive.add("dead-letters.ndjson", one::deadLetters);
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("tenant", tenant.id());
        about.put("begun_at", one.begun.toString());
        about.put("finished_at", clock.instant().toString());
        archive.finish(about);
    }

    /** One archive's. */
    private final class One {
        private final TenantEntry entry;
        private final TenantId tenant;
        private final Instant begun;
        private final BooleanSupplier goesOn;
        private long count;

        One(TenantEntry entry, Instant begun, BooleanSupplier goesOn) {
            this.entry = entry;
            this.tenant = entry.tenantId();
            this.begun = begun;
            this.goesOn = goesOn;
        }

        long tenant(OutputStream out) throws IOException {
            out.write(Json.bytes(TenantJson.of(entry)));
            return 1;
        }

        long organisms(OutputStream out) throws IOException {
            count = 0;
            for (long version = 1; version <= entry.organismVersion(); version++) {
                long number = version;
                Optional<OrganismEntry> organism = patiently(() -> table.organism(tenant, number));
                if (organism.isPresent()) {
                    Map<String, Object> line = new LinkedHashMap<>();
                    line.put("version", version);
                    line.put("created_at", organism.get().createdAt().toString());
                    line.put("yaml", organism.get().yaml());
                    write(out, line);
                }
            }
            return count;
        }

        /** A line a year, in billing's own words. */
        long usage(OutputStream out) throws IOException {
            count = 0;
            int last = LocalDate.ofInstant(begun, ZoneOffset.UTC).getYear();
            for (int year = LocalDate.ofInstant(entry.createdAt(), ZoneOffset.UTC)
                            .getYear();
                    year <= last;
                    year++) {
                LocalDate from = LocalDate.of(year, 1, 1);
                LocalDate to = LocalDate.of(year, 12, 31);
                out.write(Json.bytes(Json.read(patiently(() -> billing.usage(tenant, from, to))))); // in one line
                out.write('\n');
                count++;
            }
            return count;
        }

        long conversations(OutputStream out) throws IOException {
            count = 0;
            each(conversation -> write(out, ThreadJson.conversation(conversation, false)));
            return count;
        }

        long messages(OutputStream out) throws IOException {
            count = 0;
            each(conversation -> each(conversation, slot -> {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("conversation", conversation.getId());
                line.putAll(ThreadJson.slot(slot));
                write(out, line);
            }));
            return count;
        }

        long envelopes(OutputStream out) throws IOException {
            count = 0;
            out.write(("<messages xmlns=\"" + EnvelopeNames.ENVELOPE + "\">\n").getBytes(StandardCharsets.UTF_8));
            each(conversation -> each(conversation, slot -> {
                out.write(slot.getEnvelope().getBytes(StandardCharsets.UTF_8));
                out.write('\n');
                count++;
            }));
            out.write("</messages>\n".getBytes(StandardCharsets.UTF_8));
            return count;
        }

        long deadLetters(OutputStream out) throws IOException {
            count = 0;
            String cursor = "";
            do {
                String from = cursor;
                DeadLetters.Whole page = patiently(() -> letters.whole(tenant, from));
                for (Map<String, Object> letter : page.letters()) {
                    write(out, letter);
                }
                cursor = page.next();
            } while (!cursor.isEmpty());
            return count;
        }

        private void write(OutputStream out, Map<String, Object> line) throws IOException {
            Archive.line(out, line);
            count++;
        }

        /**
         * The longest silent first: one that something is said in goes to the end of the list, and is met there; from the front it
         * would be missed.
         */
        private void each(Conversations conversations) throws IOException {
            Set<ThreadId> active = new HashSet<>();
            String cursor = "";
            do {
                String from = cursor;
                ListReply page = patiently(() -> buffer.list(tenant, PAGE, true, from));
                for (Conversation conversation : page.getConversationsList()) {
                    boolean began = conversation.getCreatedAtMs() > begun.toEpochMilli();
                    boolean moved = conversation.getLastActivityMs() > begun.toEpochMilli();
                    if (!began && (!moved || active.add(ThreadId.parse(conversation.getId())))) {
                        conversations.take(conversation);
                    }
                }
                cursor = page.getNextCursor();
            } while (!cursor.isEmpty());
        }

        private void each(Conversation conversation, Slots slots) throws IOException {
            ThreadId id = ThreadId.parse(conversation.getId());
            long after = 0;
            while (true) {
                long from = after;
                ReadReply page = patiently(() -> buffer.read(tenant, id, from, PAGE, "", Duration.ZERO));
                for (Slot slot : page.getSlotsList()) {
                    slots.take(slot);
                    after = slot.getSequence();
                }
                // erased since, or past its time, or read to its end
                if (page.getSlotsCount() == 0 || after >= page.getConversation().getLastSequence()) {
                    return;
                }
            }
        }

        private void requireGoingOn() {
            if (!goesOn.getAsBoolean()) {
                throw new Stopped();
            }
        }

        private <T> T patiently(Supplier<T> call) {
            long begin = System.nanoTime();
            while (true) {
                requireGoingOn();
                try {
                    return call.get();
                } catch (Unavailable e) {
                    if (System.nanoTime() - begin > PATIENCE.toNanos()) {
                        throw e;
                    }
                    pause();
                }
            }
        }

        private static void pause() {
            try {
                Thread.sleep(PAUSE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Stopped();
            }
        }
    }
}
