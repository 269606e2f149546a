package io.agentserver.gateway.organism;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.limits.RateLimits;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.organism.Organism;
import io.agentserver.organism.OrganismError;
import io.agentserver.organism.Parsed;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.util.List;
import java.util.Optional;

/**
 * Makes a document a tenant's organism: check → next version → table → topic → boot messages → static files. In: a stranger's text. Out: the
 * version that new turns start with once this returns, or every error. The same document again is the same version, so that a
 * PUT can be repeated. Boot messages that a crash kept back are sent by {@link #finishPending}.
 */
public final class Activation {
    private static final Logger LOG = LoggerFactory.getLogger(Activation.class);
    private static final int MOST_RACES = 20;

    private final Organisms organisms;
    private final Tenants tenants;
    private final DynamoTenantTable table;
    private final BootMessages boot;
    private final StaticDelivery delivery;
    private final RateLimits limits;
    private final Clock clock;

    public Activation(
            Organisms organisms,
            Tenants tenants,
            DynamoTenantTable table,
            BootMessages boot,
            StaticDelivery delivery,
            RateLimits limits,
            Clock clock) {
        this.organisms = organisms;
        this.tenants = tenants;
        this.table = table;
        this.boot = boot;
        this.delivery = delivery;
        this.limits = limits;
        this.clock = clock;
    }

    /** What came of a PUT. */
    sealed interface Result {
        record Active(long version) implements Result {}

        /** It could be activated; nothing was done. */
        record WouldBe(long version) implements Result {}

        record Invalid(List<OrganismError> errors) implements Result {}

        /** Another version is current than the one that the caller saw. */
        record Changed(long current) implements Result {}

        /** Valid, but too large to be kept even when compressed. */
        record TooLarge() implements Result {}

        record NoTenant() implements Result {}

        /** Too many new versions, and when to come again. */
        record TooMany(Problem problem) implements Result {}
    }

    /** @param expected the version that must be current; null: any */
    Result activate(TenantId tenant, String yaml, @Nullable Long expected, boolean dryRun) {
        return switch (organisms.parse(yaml)) {
            case Parsed.Invalid(var errors) -> new Result.Invalid(errors);
            case Parsed.Valid(Organism organism) -> activate(tenant, yaml, organism, expected, dryRun);
        };
    }

    private Result activate(TenantId tenant, String yaml, Organism organism, @Nullable Long expected, boolean dryRun) {
        for (int i = 0; i < MOST_RACES; i++) {
            TenantEntry before = table.find(tenant).orElse(null);
            if (before == null) {
                return new Result.NoTenant();
            }
            long current = before.organismVersion();
            Optional<OrganismEntry> same =
                    table.organism(tenant, current).filter(o -> o.yaml().equals(yaml));
            if (same.isPresent()) {
                tenants.tell(before, same.get());
                return new Result.Active(current);
            }
            if (expected != null && expected != current) {
                return new Result.Changed(current);
            }
            OrganismEntry next = new OrganismEntry(tenant.value(), current + 1, yaml, clock.instant());
            if (!DynamoTenantTable.fits(next)) {
                return new Result.TooLarge();
            }
            if (dryRun) {
                return new Result.WouldBe(next.version());
            }
            Problem tooMany = i == 0 ? limits.takeOrganism(before) : null; // a race that was lost costs nothing more
            if (tooMany != null) {
                return new Result.TooMany(tooMany);
            }
            if (tenants.activate(before, next)) {
                sendBoot(tenant, next.version(), organism);
                // hundreds of files may take a while, and what is missing is put when it is asked for
                Thread.ofVirtual().name("static-files").start(() -> delivery.deliver(tenant, organism));
                return new Result.Active(next.version());
            }
        }
        throw new IllegalStateException("tenant " + tenant + " changes too fast: " + MOST_RACES + " lost races");
    }

    /** Sends the boot messages that are still owed. */
    public void finishPending() {
        for (TenantEntry entry : table.bootPending()) {
            organisms
                    .current(entry)
                    .ifPresent(organism -> sendBoot(entry.tenantId(), entry.organismVersion(), organism));
        }
    }

    private void sendBoot(TenantId tenant, long version, Organism organism) {
        if (boot.send(tenant, version, organism)) {
            table.booted(tenant, version);
        } else {
            LOG.warn("boot messages of version {} of tenant {} are owed; they are sent later", version, tenant);
        }
    }
}
