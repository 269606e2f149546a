package io.agentserver.tenancy;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.agentserver.envelope.TenantId;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * One version of a tenant's organism, as it stands on the {@code tenants} topic under {@code <tenant>@<version>}. The newest ones of
 * a tenant are kept: a turn that began with an older one can go on no more.
 */
public record OrganismEntry(
        String tenant,
        long version,
        String yaml,
        @JsonProperty("created_at") Instant createdAt) {
    /** Versions that are kept of each tenant. */
    public static final int MOST_KEPT = 100;
    /** Bytes, zipped, that all kept versions of one tenant have; the newest is kept even if it has more. */
    public static final int MOST_BYTES_KEPT = 1024 * 1024;

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

    /** As {@link #toJson}, gzip. */
    public byte[] toZip() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(toJson());
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail", e);
        }
        return out.toByteArray();
    }

    /** @throws RuntimeException if these are not the bytes of {@link #toZip} */
    public static OrganismEntry ofZip(byte[] zip) {
        try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(zip))) {
            return ofJson(gzip.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException("not the gzip of an organism's version", e);
        }
    }
}
