package io.agentserver.usage;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.time.Instant;
import java.util.UUID;

/**
 * One LLM call, as it stands on the {@code usage} topic (CONTRACTS 7). The first record per receipt is posted.
 *
 * @param receipt the call's id, the same everywhere
 * @param estimated whether the tokens were counted by us, because the provider did not say
 * @param costMicrousd what the provider takes, in millionths of a US dollar, 0 or more
 * @param priceMicrousd what the tenant pays, likewise
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record UsageRecord(
        UUID receipt,
        String tenant,
        @Nullable String conversation,
        @Nullable String thread,
        @Nullable String message,
        @Nullable String listener,
        String route,
        String provider,
        String model,
        @JsonProperty("input_tokens") long inputTokens,
        @JsonProperty("cached_input_tokens") long cachedInputTokens,
        @JsonProperty("output_tokens") long outputTokens,
        boolean estimated,
        @JsonProperty("cache_hit") boolean cacheHit,
        boolean stub,
        @JsonProperty("cost_microusd") long costMicrousd,
        @JsonProperty("price_microusd") long priceMicrousd,
        Instant at) {

    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES) // an older pod reads a newer record
            .build();

    public UsageRecord {
        if (inputTokens < 0 || cachedInputTokens < 0 || outputTokens < 0 || costMicrousd < 0 || priceMicrousd < 0) {
            throw new IllegalArgumentException("usage of receipt " + receipt + ": a count or an amount is negative");
        }
        if (cachedInputTokens > inputTokens) {
            throw new IllegalArgumentException(
                    "usage of receipt " + receipt + ": cached_input_tokens over input_tokens");
        }
    }

    /** The same call, where it has used nothing. */
    public UsageRecord ofNothing() {
        return new UsageRecord(
                receipt,
                tenant,
                conversation,
                thread,
                message,
                listener,
                route,
                provider,
                model,
                0,
                0,
                0,
                false,
                cacheHit,
                stub,
                0,
                0,
                at);
    }

    public byte[] toJson() {
        return JSON.writeValueAsBytes(this);
    }

    /** @throws tools.jackson.core.JacksonException if these are not the bytes of a usage record */
    public static UsageRecord ofJson(byte[] json) {
        return JSON.readValue(json, UsageRecord.class);
    }
}
