package io.agentserver.tenancy;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.agentserver.envelope.TenantId;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.time.Instant;

/** One version of a tenant's organism, as it stands on the {@code tenants} topic under {@code <tenant>@<version>}. */
public record OrganismEntry(
        String tenant,
        long version,
        String yaml,
        @JsonProperty("created_at") Instant createdAt) {
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    public static String key(TenantId tenant, long version) {
        return tenant + "@" + version;
    }

    public byte[] toJson() {
        return JSON.writeValueAsBytes(this);
    }

    /** @throws tools.jackson.core.JacksonException if these are not the bytes of an entry */
    public static OrganismEntry ofJson(byte[] json) {
        return JSON.readValue(json, OrganismEntry.class);
    }
}
