package io.agentserver.tenancy;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class TenantEntryTest {
    private static final String OLD = """
            {"id":"acme","name":"Acme","plan":"default","revision":3,"created_at":"2026-01-01T00:00:00Z",
             "organism_version":1,"api_keys":[],"signing_keys":[]""";
    private static final TenantEntry.ProviderKey OWN =
            new TenantEntry.ProviderKey("openai", "0000000001", "AQID", "wxyz", Instant.EPOCH);

    @Test
    void an_entry_of_before_retentions_has_none() {
        TenantEntry old = read(OLD + "}");
        assertThat(old.retention()).isEmpty();
        assertThat(text(old)).doesNotContain("retention");
    }

    /** As an older pod reads an entry that has more than it knows. */
    @Test
    void a_member_that_nobody_knows_is_passed_over() {
        assertThat(read(OLD + ",\"retention_minutes\":5,\"more\":{\"of\":[1]}}"))
                .isEqualTo(read(OLD + "}"));
    }

    @Test
    void a_retention_is_kept_through_every_other_change() {
        TenantEntry entry = read(OLD + ",\"retention_hours\":48}");
        assertThat(entry.retention()).contains(Duration.ofHours(48));
        assertThat(List.of(
                        read(text(entry)),
                        entry.withOrganismVersion(2),
                        entry.withApiKeys(List.of()),
                        entry.withSigningKeys(List.of()),
                        entry.withDeletion(Instant.EPOCH)))
                .allSatisfy(changed -> assertThat(changed.retention()).contains(Duration.ofHours(48)));
    }

    @Test
    void a_change_of_the_retention_alone_is_a_change() {
        TenantEntry entry = read(OLD + ",\"retention_hours\":48}");
        assertThat(entry.withPlan(Plan.DEFAULT, null, null, 48)).isSameAs(entry);
        TenantEntry without = entry.withPlan(Plan.DEFAULT, null, null, null);
        assertThat(without.retention()).isEmpty();
        assertThat(without.revision()).isEqualTo(4);
    }

    @Test
    void an_own_key_of_a_provider_is_kept_through_every_other_change_and_while_the_tenant_is_deleted() {
        TenantEntry entry = read(OLD + "}").withProviderKeys(List.of(OWN));
        assertThat(List.of(
                        read(text(entry)),
                        entry.withOrganismVersion(2),
                        entry.withApiKeys(List.of()),
                        entry.withSigningKeys(List.of()),
                        entry.withPlan(Plan.DEFAULT, null, null, 48),
                        entry.withDeletion(Instant.EPOCH)))
                .allSatisfy(changed -> assertThat(changed.providerKey("openai")).contains(OWN));
        assertThat(entry.providerKey("anthropic")).isEmpty();
    }

    @Test
    void an_entry_without_own_keys_says_nothing_of_them() {
        TenantEntry old = read(OLD + "}");
        assertThat(old.providerKeys()).isNull();
        assertThat(old.withProviderKeys(List.of()).providerKeys()).isNull();
        assertThat(text(old)).doesNotContain("provider");
    }

    private static TenantEntry read(String json) {
        return TenantEntry.ofJson(json.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(TenantEntry entry) {
        return new String(entry.toJson(), StandardCharsets.UTF_8);
    }
}
