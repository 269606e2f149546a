package io.agentserver.tenancy;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.time.Instant;
import java.util.Base64;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KeptOrganismsTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("acme-2");

    private final KeptOrganisms kept = new KeptOrganisms();
    private final Random random = new Random(7);

    private void put(TenantId tenant, long version, String yaml) {
        kept.put(
                OrganismEntry.key(tenant, version),
                new OrganismEntry(tenant.value(), version, yaml, Instant.EPOCH).toJson());
    }

    /** What does not get smaller when it is zipped, but for what Base64 adds. */
    private String incompressible(int bytes) {
        byte[] noise = new byte[bytes];
        random.nextBytes(noise);
        return Base64.getEncoder().encodeToString(noise);
    }

    @Test
    void keeps_the_newest_versions_of_each_tenant_and_says_which_it_let_go() {
        put(OTHER, 1, "the other's");
        for (int version = 1; version <= OrganismEntry.MOST_KEPT + 2; version++) {
            put(ACME, version, "version " + version);
        }

        assertThat(kept.versions(ACME)).hasSize(OrganismEntry.MOST_KEPT).doesNotContain(1L, 2L);
        assertThat(kept.find(ACME, 3).orElseThrow().yaml()).isEqualTo("version 3");
        assertThat(kept.find(ACME, 2)).isEmpty();
        assertThat(kept.versions(OTHER)).containsExactly(1L);
        assertThat(kept.retired())
                .containsExactlyInAnyOrder(new RetiredOrganism(ACME, 1), new RetiredOrganism(ACME, 2));

        kept.remove("acme@1"); // the topic has it no more
        assertThat(kept.retired()).containsExactly(new RetiredOrganism(ACME, 2));
    }

    @Test
    void keeps_so_many_bytes_of_a_tenant_and_the_newest_version_in_any_case() {
        for (int version = 1; version <= 20; version++) {
            put(ACME, version, incompressible(300 * 1024));
        }
        assertThat(kept.versions(ACME)).containsExactlyInAnyOrder(18L, 19L, 20L);

        put(ACME, 21, incompressible(2 * OrganismEntry.MOST_BYTES_KEPT));
        assertThat(kept.versions(ACME)).containsExactly(21L);
    }

    @Test
    void an_old_version_that_comes_again_is_let_go_again() {
        for (int version = 1; version <= OrganismEntry.MOST_KEPT + 1; version++) {
            put(ACME, version, "version " + version);
        }
        put(ACME, 1, "version 1"); // from the start of the topic, read once more
        assertThat(kept.has(ACME, 1)).isFalse();
        assertThat(kept.has(ACME, 2)).isTrue();
        assertThat(kept.retired()).containsExactly(new RetiredOrganism(ACME, 1));
    }

    @Test
    void a_record_that_is_none_changes_nothing() {
        assertThatThrownBy(() -> kept.put("acme@1", new byte[] {1})).isInstanceOf(RuntimeException.class);
        assertThatThrownBy(() -> kept.put("acme@x", new byte[0])).isInstanceOf(RuntimeException.class);
        assertThat(kept.versions(ACME)).isEmpty();
    }
}
