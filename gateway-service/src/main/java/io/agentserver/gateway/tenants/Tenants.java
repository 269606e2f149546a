package io.agentserver.gateway.tenants;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.log.LogTopics;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.RetiredOrganism;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * The tenants: created, changed, and told to every pod. The table has a change first, the topic after it; what a crash left
 * between the two is mended by {@link #reconcile}. A call returns when this pod's directory has the change. Blocks; safe on
 * any thread, in any number of pods.
 */
public final class Tenants {
    private static final Logger LOG = LoggerFactory.getLogger(Tenants.class);
    private static final int MOST_RACES = 20;

    private final DynamoTenantTable table;
    private final TenantsTopic topic;
    private final TenantDirectory directory;
    private final LogTopics topics;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private volatile boolean indexed;

    public Tenants(
            DynamoTenantTable table, TenantsTopic topic, TenantDirectory directory, LogTopics topics, Clock clock) {
        this.table = table;
        this.topic = topic;
        this.directory = directory;
        this.topics = topics;
        this.clock = clock;
    }

    /** What came of creating a tenant. */
    public sealed interface Creation {
        /** @param key its first API key, with all scopes; its secret is known from here alone */
        record Created(TenantEntry tenant, ApiKey key) implements Creation {}

        /** The id is in use, or was. */
        record Taken() implements Creation {}
    }

    /** @param retentionHours null: the platform's */
    public Creation create(TenantId id, String name, Plan plan, @Nullable Integer retentionHours) {
        if (table.isTaken(id)) {
            return new Creation.Taken();
        }
        Instant now = clock.instant();
        ApiKey secret = ApiKey.create(true, random);
        TenantEntry.Key key = new TenantEntry.Key(
                Ids.v7().toString(),
                "first",
                secret.hash(),
                Arrays.stream(Scope.values()).map(Scope::wireName).collect(Collectors.toSet()),
                now,
                null,
                null);
        TenantEntry entry = new TenantEntry(
                id.value(),
                name,
                plan.wireName(),
                1,
                now,
                0,
                List.of(key),
                List.of(),
                null,
                null,
                retentionHours,
                null,
                null);
        topics.createFor(id, plan.partitions()); // first: whoever sees the tenant may send
        if (!table.create(entry)) {
            return new Creation.Taken();
        }
        topic.publish(entry);
        return new Creation.Created(entry, secret);
    }

    /**
     * Changes a tenant's entry, again from its new state if another change came between.
     *
     * @param change entry to entry of the next revision (the entry's {@code with…} methods); the same one: nothing to do
     * @return the entry as it now is; empty if there is no such tenant
     */
    public Optional<TenantEntry> change(TenantId tenant, UnaryOperator<TenantEntry> change) {
        for (int i = 0; i < MOST_RACES; i++) {
            Optional<TenantEntry> before = table.find(tenant);
            if (before.isEmpty()) {
                return before;
            }
            TenantEntry after = change.apply(before.get());
            if (after.equals(before.get())) {
                topic.publish(after); // an earlier call may have died between table and topic
                return before;
            }
            if (table.replace(after)) {
                topic.publish(after);
                return Optional.of(after);
            }
        }
        throw tooFast(tenant);
    }

    private static IllegalStateException tooFast(TenantId tenant) {
        return new IllegalStateException("tenant " + tenant + " changes too fast: " + MOST_RACES + " lost races");
    }

    /**
     * Revokes all keys of a tenant, on every pod within 5 s, and has it deleted from now on.
     *
     * @return its entry, also if it had been told before; empty: there is no such tenant, or nothing of it any more
     */
    public Optional<TenantEntry> revoke(TenantId tenant) {
        for (int i = 0; i < MOST_RACES; i++) {
            Optional<TenantEntry> before = table.findAny(tenant);
            if (before.isEmpty()) {
                return before;
            }
            TenantEntry after = before.get().withDeletion(clock.instant());
            if (after.equals(before.get()) || table.replace(after)) {
                topic.publish(after); // again: an earlier call may have died between table and topic
                return Optional.of(after);
            }
        }
        throw tooFast(tenant);
    }

    /** Forgets a tenant that was revoked, in the table and then on every pod. Repeating it is harmless. */
    public void forget(TenantId tenant) {
        Set<Long> versions = new TreeSet<>(directory.versions(tenant));
        versions.addAll(table.removal().versions(tenant));
        table.removal().remove(tenant);
        topic.publishDeletion(tenant, versions);
    }

    /** Makes a version current; false if the tenant has changed since {@code before}. */
    public boolean activate(TenantEntry before, OrganismEntry organism) {
        TenantEntry after = before.withOrganismVersion(organism.version());
        if (!table.activate(after, organism)) {
            return false;
        }
        topic.publish(organism);
        topic.publish(after);
        return true;
    }

    /** Tells the topic of a version that the table has, if an earlier {@link #activate} died before it did. */
    public void tell(TenantEntry entry, OrganismEntry organism) {
        if (!topic.knows(entry) || !hasOrganism(entry)) {
            topic.publish(organism);
            topic.publish(entry);
        }
    }

    /**
     * Tells the topic what it lacks: after a crash between table and topic, or after the topic was lost. And whom it has too
     * many: a slow writer may have told it of a tenant that is gone since.
     */
    public void reconcile() {
        if (!indexed) {
            table.index();
            indexed = true;
        }
        Set<String> all = new HashSet<>();
        for (TenantEntry seen : table.all()) {
            all.add(seen.id());
            if (topic.knows(seen) && hasOrganism(seen)) {
                continue;
            }
            // of now: a tenant may have been deleted since
            Optional<TenantEntry> now = table.findAny(seen.tenantId());
            if (now.isEmpty()) {
                continue;
            }
            TenantEntry entry = now.get();
            if (entry.isDeleted()) {
                topic.publish(entry);
                continue;
            }
            LOG.info("the tenants topic lacks revision {} of tenant {}; publishing it", entry.revision(), entry.id());
            TenantId tenant = entry.tenantId();
            topics.createFor(tenant, Plan.of(entry.plan()).orElse(Plan.DEFAULT).partitions());
            for (OrganismEntry organism : kept(entry).reversed()) {
                if (!directory.hasOrganism(tenant, organism.version())) {
                    topic.publish(organism);
                }
            }
            topic.publish(entry);
        }
        for (TenantEntry known : directory.all()) {
            if (!all.contains(known.id()) && table.isGone(known.tenantId())) {
                LOG.warn("the tenants topic has tenant {}, which is gone; telling it so again", known.id());
                topic.publishDeletion(known.tenantId(), directory.versions(known.tenantId()));
            }
        }
    }

    /** As many documents as pods keep, the newest first: turns may still be bound to them. */
    private List<OrganismEntry> kept(TenantEntry entry) {
        List<OrganismEntry> kept = new ArrayList<>();
        long bytes = 0;
        for (long version = entry.organismVersion(); version > 0 && kept.size() < OrganismEntry.MOST_KEPT; version--) {
            Optional<OrganismEntry> organism = table.organism(entry.tenantId(), version);
            if (organism.isEmpty()) {
                break;
            }
            bytes += organism.get().toZip().length;
            if (!kept.isEmpty() && bytes > OrganismEntry.MOST_BYTES_KEPT) {
                break;
            }
            kept.add(organism.get());
        }
        return kept;
    }

    /** Takes the versions that no pod keeps any more from the topic; the table has them still. */
    public void retireOrganisms() {
        for (RetiredOrganism old : directory.retired()) {
            topic.retire(old.tenant(), old.version());
        }
    }

    private boolean hasOrganism(TenantEntry entry) {
        return entry.organismVersion() == 0 || directory.hasOrganism(entry.tenantId(), entry.organismVersion());
    }
}
