package io.agentserver.gateway.organism;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import io.agentserver.organism.HandlerHosts;
import io.agentserver.organism.Organism;
import io.agentserver.organism.OrganismParser;
import io.agentserver.organism.Parsed;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Optional;
import java.util.Set;

/** Organisms, parsed once and kept while there is room: what stands in the directory under a version never changes. Safe on any thread. */
public final class Organisms {
    /** What {@code builtin:<name>} may name; the pump has a handler for each. */
    public static final Set<String> BUILTINS = Set.of("echo", "upper", "calculate", "timer");

    /** An eighth of the heap, however many tenants there are and however large their documents; four fit in any case. */
    private static final long MOST_WEIGHT = Runtime.getRuntime().maxMemory() / 8;

    private static final Logger LOG = LoggerFactory.getLogger(Organisms.class);

    private final TenantDirectory directory;
    private final OrganismParser parser = new OrganismParser(BUILTINS, Set.of());
    private final OrganismParser saving;
    private final Cache<String, Read> parsed = Caffeine.newBuilder()
            .maximumWeight(MOST_WEIGHT)
            .weigher((String key, Read read) -> (int) Math.min(read.weight(), MOST_WEIGHT / 4))
            .build();

    /** @param weight bytes that it may take, about */
    private record Read(Optional<Organism> organism, int weight) {}

    /** @param hosts where the {@code http} listeners of what is saved may be */
    public Organisms(TenantDirectory directory, HandlerHosts hosts) {
        this.directory = directory;
        this.saving = parser.with(hosts);
    }

    /** What a tenant wants to save. */
    Parsed parse(String yaml) {
        return saving.parse(yaml);
    }

    /** The one that new turns start with; empty: the tenant has none yet. */
    public Optional<Organism> current(TenantEntry tenant) {
        return version(tenant.tenantId(), tenant.organismVersion());
    }

    /** One that turns were begun with; empty: the directory does not have it, or not yet. */
    public Optional<Organism> version(TenantId tenant, long version) {
        String key = OrganismEntry.key(tenant, version);
        Read known = parsed.getIfPresent(key);
        if (known != null) {
            return known.organism();
        }
        Optional<OrganismEntry> entry = directory.organism(tenant, version);
        if (entry.isEmpty()) {
            return Optional.empty(); // may still come: not kept
        }
        Optional<Organism> organism = read(entry.get());
        parsed.put(key, new Read(organism, Organism.weight(entry.get().yaml())));
        return organism;
    }

    /** Whether a version is too old to be kept: no turn that began with it goes on. */
    public boolean isRetired(TenantId tenant, long version) {
        return directory.isRetired(tenant, version);
    }

    /** Parses a version that nothing is known of here; whoever asks for it pays. */
    Optional<Organism> read(OrganismEntry entry) {
        return switch (parser.parse(entry.yaml())) {
            case Parsed.Valid(Organism organism) -> Optional.of(organism);
            case Parsed.Invalid(var errors) -> {
                LOG.error(
                        "organism version {} of tenant {} was valid once and is not now: {}",
                        entry.version(),
                        entry.tenant(),
                        errors.getFirst().reason());
                yield Optional.empty();
            }
        };
    }

    /** What is kept of a tenant that is gone. */
    public void forget(TenantId tenant) {
        parsed.asMap().keySet().removeIf(key -> key.startsWith(tenant + "@"));
    }
}
