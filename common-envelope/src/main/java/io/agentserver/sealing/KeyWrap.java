package io.agentserver.sealing;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.Setting;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Wraps tenants' data keys, under a key that is derived from the platform's own: whoever has the table alone has nothing. What is
 * wrapped is bound to its tenant and its id. It is wrapped under the first of the platform's keys and opens under each that is there
 * with its private half. Safe on any thread.
 */
final class KeyWrap {
    private static final String PURPOSE = "agentserver tenant keys v1";

    private final String kid;
    private final SequencedMap<String, TenantKey> byKid = new LinkedHashMap<>();

    KeyWrap(PlatformKeys platform) {
        for (Map.Entry<String, byte[]> derived : platform.derive(PURPOSE).entrySet()) {
            byKid.put(derived.getKey(), new TenantKey(derived.getKey(), derived.getValue()));
        }
        this.kid = byKid.firstEntry().getKey();
    }

    /** Of the platform's key that {@link #wrap} wraps under. */
    String kid() {
        return kid;
    }

    byte[] wrap(TenantId tenant, String id, byte[] key) {
        return byKid.firstEntry().getValue().seal(key, associated(tenant, id));
    }

    /**
     * @param under the kid of the platform's key that it was wrapped under
     * @throws KeysUnavailableException if that one is not there, or this was not wrapped under it, for this tenant and id
     */
    byte[] unwrap(TenantId tenant, String id, String under, byte[] wrapped) {
        TenantKey platform = byKid.get(under);
        if (platform == null) {
            throw new KeysUnavailableException(
                    "data key " + id + " of tenant " + tenant + " is wrapped under the platform's key " + under
                            + ", which is not here: put it back into the file that "
                            + Setting.AGENTSERVER_PLATFORM_KEY
                            + " names, behind the first, with its private half (d)",
                    null);
        }
        return platform.open(wrapped, associated(tenant, id))
                .orElseThrow(() -> new KeysUnavailableException(
                        "data key " + id + " of tenant " + tenant + " does not open under the platform's key " + under
                                + ": it was written over, or that kid was another key's; what is sealed with it must be"
                                + " put anew by the tenant",
                        null));
    }

    private static List<String> associated(TenantId tenant, String id) {
        return List.of("data key", tenant.value(), id);
    }
}
