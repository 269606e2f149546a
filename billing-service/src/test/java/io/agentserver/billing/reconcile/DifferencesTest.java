package io.agentserver.billing.reconcile;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class DifferencesTest {
    private final Differences differences = new Differences();

    @Test
    void keep_so_many_and_count_all() {
        for (int i = 0; i < Differences.MOST; i++) {
            differences.add("key " + i, "text " + i);
        }
        assertThat(differences.isWhole()).isTrue();
        assertThat(differences.keys()).hasSize(Differences.MOST).contains("key 0");

        differences.add("one more", "a text");

        assertThat(differences.isWhole()).isFalse();
        assertThat(differences.count()).isEqualTo(Differences.MOST + 1L);
        assertThat(differences.kept())
                .hasSize(Differences.MOST)
                .noneMatch(each -> each.key().equals("one more"));
    }
}
