package io.agentserver.router;

import java.util.Optional;

/** What stands in for a tenant's own key where the operator takes none: a target under it fails, and nothing is asked. */
record KeyNotTaken(String provider) implements Credential {
    @Override
    public boolean isTenants() {
        return true;
    }

    @Override
    public Optional<String> secret() throws KeyNotOpenedException {
        throw new KeyNotOpenedException(
                "tenants' own keys of " + provider
                        + " are not taken here, nor is the platform's used for who has stored one: delete the own key to use that");
    }
}
