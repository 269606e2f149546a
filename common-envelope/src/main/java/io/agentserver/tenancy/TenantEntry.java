package io.agentserver.tenancy;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A tenant's whole directory entry, as it stands on the {@code tenants} topic and in the gateway's table.
 *
 * @param revision counts the changes; of two entries the higher one is the newer
 * @param organismVersion the version that new turns start with; 0: no organism yet
 * @param rateLimit of its own, instead of its plan's; null: as the plan says
 * @param llmLimits likewise
 * @param retentionHours how long its conversations are kept after their last activity; null: as long as the platform keeps them
 * @param providerKeys its own keys of LLM providers, sealed; null: none
 * @param deletedAt when it was told to go: none of its keys lives, and what it has is being deleted; null: it is to stay
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TenantEntry(
        String id,
        String name,
        String plan,
        long revision,
        @JsonProperty("created_at") Instant createdAt,
        @JsonProperty("organism_version") long organismVersion,
        @JsonProperty("api_keys") List<Key> apiKeys,
        @JsonProperty("signing_keys") List<OrgKey> signingKeys,
        @JsonProperty("rate_limit") @Nullable RateLimit rateLimit,
        @JsonProperty("llm_limits") @Nullable LlmLimits llmLimits,
        @JsonProperty("retention_hours") @Nullable Integer retentionHours,
        @JsonProperty("provider_keys") @Nullable List<ProviderKey> providerKeys,
        @JsonProperty("deleted_at") @Nullable Instant deletedAt) {

    /** 90 days. */
    public static final int LONGEST_RETENTION_HOURS = 2_160;

    /**
     * An API key.
     *
     * @param hash SHA-256 of the secret, hex
     * @param revokedAt null while it lives
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Key(
            String id,
            String name,
            String hash,
            Set<String> scopes,
            @JsonProperty("created_at") Instant createdAt,
            @JsonProperty("expires_at") @Nullable Instant expiresAt,
            @JsonProperty("revoked_at") @Nullable Instant revokedAt) {
        public Key {
            scopes = Set.copyOf(scopes);
        }

        public boolean isAlive(Instant now) {
            return revokedAt == null && (expiresAt == null || now.isBefore(expiresAt));
        }
    }

    /**
     * A public key that the org signs with.
     *
     * @param jwk RFC 7517, public parts only
     * @param deletedAt null while it admits; a deleted key still verifies what was admitted under it
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record OrgKey(
            String kid,
            String alg,
            String jwk,
            @JsonProperty("created_at") Instant createdAt,
            @JsonProperty("deleted_at") @Nullable Instant deletedAt) {}

    /**
     * The tenant's own key of an LLM provider, under which its calls go there and which it pays there.
     *
     * @param provider as the LLM router's routes name it; one key each
     * @param keyId of the tenant's data key that it is sealed with, {@link io.agentserver.sealing.TenantKey}
     * @param sealed Base64url without padding; associated data: {@link #associated}
     * @param endsWith its last four characters, by which its owner knows it
     */
    public record ProviderKey(
            String provider,
            @JsonProperty("key_id") String keyId,
            String sealed,
            @JsonProperty("ends_with") String endsWith,
            @JsonProperty("created_at") Instant createdAt) {

        /** What it is bound to, so that it can be opened nowhere else: for {@code seal} and {@code open}. */
        public static List<String> associated(TenantId tenant, String provider) {
            return List.of("provider key", tenant.value(), provider);
        }
    }

    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES) // an older pod reads a newer entry
            .build();

    /** With what its plan says. */
    public TenantEntry(
            String id,
            String name,
            String plan,
            long revision,
            Instant createdAt,
            long organismVersion,
            List<Key> apiKeys,
            List<OrgKey> signingKeys) {
        this(id, name, plan, revision, createdAt, organismVersion, apiKeys, signingKeys, null, null, null, null, null);
    }

    public TenantEntry {
        apiKeys = List.copyOf(apiKeys);
        signingKeys = List.copyOf(signingKeys);
        providerKeys = providerKeys == null || providerKeys.isEmpty() ? null : List.copyOf(providerKeys);
        if (!TenantId.isValid(id)) {
            throw new IllegalArgumentException("tenant entry: <" + id + "> is no tenant id");
        }
        if (retentionHours != null && retentionHours < 1) {
            throw new IllegalArgumentException("retention_hours: <" + retentionHours + "> is not 1 or more");
        }
    }

    public TenantId tenantId() {
        return new TenantId(id);
    }

    public Optional<OrgKey> signingKey(String kid) {
        return signingKeys.stream().filter(k -> k.kid().equals(kid)).findFirst();
    }

    public TenantEntry withOrganismVersion(long version) {
        return changed(
                plan, version, apiKeys, signingKeys, rateLimit, llmLimits, retentionHours, providerKeys, deletedAt);
    }

    public TenantEntry withApiKeys(List<Key> keys) {
        return changed(
                plan,
                organismVersion,
                keys,
                signingKeys,
                rateLimit,
                llmLimits,
                retentionHours,
                providerKeys,
                deletedAt);
    }

    public TenantEntry withSigningKeys(List<OrgKey> keys) {
        return changed(
                plan, organismVersion, apiKeys, keys, rateLimit, llmLimits, retentionHours, providerKeys, deletedAt);
    }

    public TenantEntry withProviderKeys(List<ProviderKey> keys) {
        return changed(
                plan, organismVersion, apiKeys, signingKeys, rateLimit, llmLimits, retentionHours, keys, deletedAt);
    }

    /** Its own key of that provider. */
    public Optional<ProviderKey> providerKey(String provider) {
        return providerKeys == null
                ? Optional.empty()
                : providerKeys.stream()
                        .filter(key -> key.provider().equals(provider))
                        .findFirst();
    }

    /**
     * @param rate null: as the plan says
     * @param llm likewise
     * @param hours its retention; null: the platform's
     */
    public TenantEntry withPlan(
            Plan changed, @Nullable RateLimit rate, @Nullable LlmLimits llm, @Nullable Integer hours) {
        return changed.wireName().equals(plan)
                        && Objects.equals(rate, rateLimit)
                        && Objects.equals(llm, llmLimits)
                        && Objects.equals(hours, retentionHours)
                ? this
                : changed(
                        changed.wireName(),
                        organismVersion,
                        apiKeys,
                        signingKeys,
                        rate,
                        llm,
                        hours,
                        providerKeys,
                        deletedAt);
    }

    @JsonIgnore
    public boolean isDeleted() {
        return deletedAt != null;
    }

    /**
     * All its keys are revoked; what was admitted under its signing keys can still be verified. Those of providers stay until the
     * entry goes: what still runs must not go to a provider under the platform's instead.
     */
    public TenantEntry withDeletion(Instant now) {
        if (isDeleted()) {
            return this;
        }
        List<Key> revoked = apiKeys.stream()
                .map(k -> k.revokedAt() != null
                        ? k
                        : new Key(k.id(), k.name(), k.hash(), k.scopes(), k.createdAt(), k.expiresAt(), now))
                .toList();
        List<OrgKey> deleted = signingKeys.stream()
                .map(k -> k.deletedAt() != null ? k : new OrgKey(k.kid(), k.alg(), k.jwk(), k.createdAt(), now))
                .toList();
        return changed(
                plan, organismVersion, revoked, deleted, rateLimit, llmLimits, retentionHours, providerKeys, now);
    }

    private TenantEntry changed(
            String plan,
            long organismVersion,
            List<Key> apiKeys,
            List<OrgKey> signingKeys,
            @Nullable RateLimit rateLimit,
            @Nullable LlmLimits llmLimits,
            @Nullable Integer retentionHours,
            @Nullable List<ProviderKey> providerKeys,
            @Nullable Instant deletedAt) {
        return new TenantEntry(
                id,
                name,
                plan,
                revision + 1,
                createdAt,
                organismVersion,
                apiKeys,
                signingKeys,
                rateLimit,
                llmLimits,
                retentionHours,
                providerKeys,
                deletedAt);
    }

    /** Requests of the tenant, each message of a batch as one; empty: as many as it likes. */
    public Optional<RateLimit> rate() {
        return Optional.ofNullable(rateLimit).or(() -> ofPlan().rate());
    }

    /** Of each of its API keys: as the plan says, and never more than the tenant's. */
    public Optional<RateLimit> keyRate() {
        return ofPlan().keyRate()
                .filter(key ->
                        rate().map(own -> key.perSecond() < own.perSecond()).orElse(true));
    }

    /** Of its calls of models. */
    public LlmLimits llm() {
        return llmLimits == null ? ofPlan().llmLimits() : llmLimits;
    }

    /** How long its conversations are kept after their last activity; empty: as long as the platform keeps them. */
    public Optional<Duration> retention() {
        return Optional.ofNullable(retentionHours).map(Duration::ofHours);
    }

    private Plan ofPlan() {
        return Plan.of(plan).orElse(Plan.DEFAULT);
    }

    public byte[] toJson() {
        return JSON.writeValueAsBytes(this);
    }

    /** @throws tools.jackson.core.JacksonException if these are not the bytes of an entry */
    public static TenantEntry ofJson(byte[] json) {
        return JSON.readValue(json, TenantEntry.class);
    }
}
