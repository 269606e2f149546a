package io.agentserver.gateway.organism;

import io.agentserver.envelope.TenantId;
import io.agentserver.organism.Organism;

import java.net.URI;
import java.util.Optional;

/** Where schemas and prompts are kept for those who fetch them, besides the gateway itself, which always has them. */
public interface StaticDelivery {
    /** Nowhere: the gateway gives them out. */
    StaticDelivery NONE = new StaticDelivery() {
        @Override
        public void deliver(TenantId tenant, Organism organism) {
            // there is no place to put them
        }

        @Override
        public Optional<URI> address(TenantId tenant, StaticFile file) {
            return Optional.empty();
        }

        @Override
        public int forget(TenantId tenant) {
            return 0;
        }
    };

    /** Puts all files of an organism there. What cannot be put is put when it is asked for. Never fails. */
    void deliver(TenantId tenant, Organism organism);

    /** An address for whoever may have the file, who is known to the caller; empty: it is not there, so the gateway gives it. */
    Optional<URI> address(TenantId tenant, StaticFile file);

    /**
     * Deletes files of a tenant's, a page of them at most.
     *
     * @return how many; 0: there are none left
     * @throws io.agentserver.gateway.problems.Unavailable if the place does not answer, or would not
     */
    int forget(TenantId tenant);
}
