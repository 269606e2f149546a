package io.agentserver.router;

import java.io.IOException;
import java.net.URI;
import java.util.Optional;

/** A provider's server under a tenant's own key, which is not asked while that key rests. Safe on any thread. */
record OwnKeyBackend(Backend server, KeyRest rest) implements Backend {
    @Override
    public String provider() {
        return server.provider();
    }

    @Override
    public Optional<URI> address() {
        return server.address();
    }

    @Override
    public boolean isTenants() {
        return true;
    }

    @Override
    public Opening open(Request request) throws IOException, InterruptedException {
        long entered = rest.enter();
        Opening opening = server.open(request);
        switch (opening) {
            case Opening.Opened _ -> rest.taken();
            case Opening.Refused refused -> {
                if (refused.status() == 401 || refused.status() == 403) {
                    rest.refused(entered);
                }
            }
        }
        return opening;
    }
}
