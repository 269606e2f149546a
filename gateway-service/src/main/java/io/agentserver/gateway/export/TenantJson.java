package io.agentserver.gateway.export;

import io.agentserver.gateway.http.Json;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What the directory has of a tenant, but the hashes of its keys. Members without a value are left out. */
final class TenantJson {
    private TenantJson() {}

    static Map<String, Object> of(TenantEntry tenant) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", tenant.id());
        json.put("name", tenant.name());
        json.put("plan", tenant.plan());
        json.put("created_at", tenant.createdAt().toString());
        json.put("organism_version", tenant.organismVersion());
        json.put("api_keys", tenant.apiKeys().stream().map(TenantJson::key).toList());
        json.put(
                "signing_keys",
                tenant.signingKeys().stream().map(TenantJson::key).toList());
        json.put(
                "provider_keys",
                Objects.requireNonNullElse(tenant.providerKeys(), List.<TenantEntry.ProviderKey>of()).stream()
                        .map(TenantJson::key)
                        .toList());
        return json;
    }

    private static Map<String, Object> key(TenantEntry.Key key) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", key.id());
        json.put("name", key.name());
        json.put("scopes", key.scopes().stream().sorted().toList());
        json.put("created_at", key.createdAt().toString());
        put(json, "expires_at", key.expiresAt());
        put(json, "revoked_at", key.revokedAt());
        return json;
    }

    private static Map<String, Object> key(TenantEntry.OrgKey key) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("kid", key.kid());
        json.put("alg", key.alg());
        json.put("jwk", Json.read(key.jwk().getBytes(StandardCharsets.UTF_8)));
        json.put("created_at", key.createdAt().toString());
        put(json, "deleted_at", key.deletedAt());
        return json;
    }

    /** Its owner has the key itself; here is which one it was. */
    private static Map<String, Object> key(TenantEntry.ProviderKey key) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("provider", key.provider());
        json.put("ends_with", key.endsWith());
        json.put("created_at", key.createdAt().toString());
        return json;
    }

    private static void put(Map<String, Object> json, String name, @Nullable Instant time) {
        if (time != null) {
            json.put(name, time.toString());
        }
    }
}
