package io.agentserver.usage;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

class UsageRecordTest {
    @Test
    void its_json_has_the_contract_s_members_and_reads_back() {
        UsageRecord record = new UsageRecord(
                new UUID(1, 2),
                "acme",
                "c",
                null,
                null,
                "greeter",
                "default",
                "simulated",
                "simulated/echo",
                10,
                2,
                5,
                false,
                false,
                false,
                20,
                20,
                Instant.parse("2026-01-01T00:00:00Z"));
        String json = new String(record.toJson(), StandardCharsets.UTF_8);
        assertThat(json)
                .contains(
                        "\"input_tokens\":10",
                        "\"cached_input_tokens\":2",
                        "\"output_tokens\":5",
                        "\"cost_microusd\":20")
                .contains("\"price_microusd\":20", "\"cache_hit\":false", "\"at\":\"2026-01-01T00:00:00Z\"")
                .doesNotContain("\"thread\"");
        assertThat(UsageRecord.ofJson(record.toJson())).isEqualTo(record);
    }
}
