package io.agentserver.pump.flow;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import io.agentserver.organism.Organism;
import io.agentserver.organism.OrganismParser;
import io.agentserver.organism.Parsed;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;

/** Organisms by tenant and version, read once and kept while there is room. Safe on any thread. */
public final class Organisms {
    private static final Logger LOG = LoggerFactory.getLogger(Organisms.class);
    /** An eighth of the heap, however many tenants there are and however large their documents; four fit in any case. */
    private static final long MOST_WEIGHT = Runtime.getRuntime().maxMemory() / 8;

    private static final Organism NONE = new Organism("none", Organism.Limits.DEFAULT, List.of());

    private final TenantDirectory tenants;
    private final OrganismParser parser;
    private final Cache<String, Read> parsed = Caffeine.newBuilder()
            .maximumWeight(MOST_WEIGHT)
            .weigher((String key, Read read) -> (int) Math.min(read.weight(), MOST_WEIGHT / 4))
            .build();

    /** @param weight bytes that it may take, about */
    private record Read(Organism organism, int weight) {}

    public Organisms(TenantDirectory tenants, OrganismParser parser) {
        this.tenants = tenants;
        this.parser = parser;
    }

    /** The version that a turn which starts now is bound to; 0: the tenant has none yet. */
    long currentVersion(TenantId tenant) {
        if (!tenants.isCaughtUp()) {
            throw new UnavailableException("the tenants are not read yet");
        }
        return tenants.find(tenant)
                .orElseThrow(() -> new UnavailableException("tenant " + tenant + " is not known here yet"))
                .organismVersion();
    }

    /**
     * One without listeners for a version that is kept no more: whatever comes to it is answered with a {@code SystemError}, up to the
     * turn's root, and so the turn ends.
     *
     * @throws UnavailableException while the directory does not have it, or this pod is too old to understand it
     */
    Organism at(TenantId tenant, long version) {
        if (version == 0) {
            return NONE;
        }
        String key = OrganismEntry.key(tenant, version);
        Read known = parsed.getIfPresent(key);
        if (known != null) {
            return known.organism();
        }
        OrganismEntry entry = tenants.organism(tenant, version).orElse(null);
        if (entry == null && tenants.isRetired(tenant, version)) {
            LOG.debug("organism {} is too old to be kept: its turns fail", key);
            return NONE;
        }
        if (entry == null) {
            throw new UnavailableException("organism " + key + " is not known here yet");
        }
        return switch (parser.parse(entry.yaml())) {
            case Parsed.Valid(Organism organism) -> {
                parsed.put(key, new Read(organism, Organism.weight(entry.yaml())));
                yield organism;
            }
            case Parsed.Invalid invalid ->
                throw new UnavailableException("organism " + key + " was checked by a newer version than this pod's: "
                        + invalid.errors().getFirst().reason());
        };
    }

    /** What is kept of a tenant that is gone. */
    public void forget(TenantId tenant) {
        parsed.asMap().keySet().removeIf(key -> key.startsWith(tenant + "@"));
    }
}
