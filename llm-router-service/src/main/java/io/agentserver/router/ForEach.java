package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.function.Consumer;

/** Work for many tenants, of whom one that fails keeps no other waiting. */
final class ForEach {
    private ForEach() {}

    /** Does it for each; throws the first failure when all have had their turn. */
    static void tenant(Collection<TenantId> tenants, Consumer<TenantId> work) {
        @Nullable RuntimeException first = null;
        for (TenantId tenant : tenants) {
            try {
                work.accept(tenant);
            } catch (RuntimeException e) {
                if (first == null) {
                    first = e;
                } else if (first.getSuppressed().length < 3) {
                    first.addSuppressed(e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
