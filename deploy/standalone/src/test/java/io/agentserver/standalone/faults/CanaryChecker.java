package io.agentserver.standalone.faults;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Whether a tenant's word stands in what is another's, or nobody's. Knows nothing of the places that it is shown. */
final class CanaryChecker {
    private final List<Org> orgs;
    private final List<String> faults = new ArrayList<>();
    private final Set<String> seen = new HashSet<>();

    CanaryChecker(List<Org> orgs) {
        this.orgs = List.copyOf(orgs);
    }

    /**
     * @param kind of place, of which there are many
     * @param place where in it, for whoever looks after it
     * @param owner null: nobody's, so no tenant's word may be there
     */
    void look(String kind, String place, @Nullable TenantId owner, String content) {
        for (Org org : orgs) {
            if (content.contains(org.canary())) {
                if (org.tenant().equals(owner)) {
                    seen.add(kind + org.tenant());
                } else {
                    faults.add("the word of " + org.tenant() + " in " + kind + ", " + place + ", which is "
                            + (owner == null ? "nobody's" : owner + "'s"));
                }
            }
        }
    }

    /** Whose a name is that has a tenant's id between other characters than ids have; null: nobody's here. */
    @Nullable
    TenantId ownerOf(String name) {
        for (String part : name.split("[^a-z0-9-]", -1)) {
            for (Org org : orgs) {
                if (org.tenant().value().equals(part)) {
                    return org.tenant();
                }
            }
        }
        return null;
    }

    /** That nothing was found says something only of places where each tenant's own word was. */
    void mustHaveSeen(String kind) {
        for (Org org : orgs) {
            if (!seen.contains(kind + org.tenant())) {
                faults.add(kind + ": not even the own word of " + org.tenant() + " is there, so nothing was looked at");
            }
        }
    }

    List<String> faults() {
        return List.copyOf(faults);
    }
}
