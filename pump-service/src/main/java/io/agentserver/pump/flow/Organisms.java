package io.agentserver.pump.flow;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import io.agentserver.organism.Organism;
import io.agentserver.organism.OrganismParser;
import io.agentserver.organism.Parsed;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantDirectory;

import java.util.List;

/** Organisms by tenant and version, read once and kept. Safe on any thread. */
public final class Organisms {
    private static final Organism NONE = new Organism("none", Organism.Limits.DEFAULT, List.of());

    private final TenantDirectory tenants;
    private final OrganismParser parser;
    private final Cache<String, Organism> parsed =
            Caffeine.newBuilder().maximumSize(2_000).build();

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

    /** @throws UnavailableException while the directory does not have it, or this pod is too old to understand it */
    Organism at(TenantId tenant, long version) {
        if (version == 0) {
            return NONE;
        }
        String key = OrganismEntry.key(tenant, version);
        Organism known = parsed.getIfPresent(key);
        if (known != null) {
            return known;
        }
        OrganismEntry entry = tenants.organism(tenant, version)
                .orElseThrow(() -> new UnavailableException("organism " + key + " is not known here yet"));
        return switch (parser.parse(entry.yaml())) {
            case Parsed.Valid(Organism organism) -> {
                parsed.put(key, organism);
                yield organism;
            }
            case Parsed.Invalid invalid ->
                throw new UnavailableException("organism " + key + " was checked by a newer version than this pod's: "
                        + invalid.errors().getFirst().reason());
        };
    }
}
