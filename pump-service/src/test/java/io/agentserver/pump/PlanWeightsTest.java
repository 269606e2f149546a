package io.agentserver.pump;

import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.TenantEntry;
import org.junit.jupiter.api.Test;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** What the gates and the intake share a busy pump by. */
class PlanWeightsTest {
    @Test
    void a_tenant_has_the_weight_of_its_plan() {
        assertThat(Plan.DEFAULT.weight()).isNotEqualTo(Plan.DEV.weight());
        for (Plan plan : Plan.values()) {
            assertThat(weight(plan.wireName())).as("%s", plan).isEqualTo(plan.weight());
        }
    }

    @Test
    void whose_plan_is_not_known_here_has_the_default_ones() {
        assertThat(weight("of-a-newer-gateway")).isEqualTo(Plan.DEFAULT.weight());
        assertThat(PumpConfiguration.weight(Optional.empty())).isEqualTo(Plan.DEFAULT.weight());
    }

    private static int weight(String plan) {
        return PumpConfiguration.weight(
                Optional.of(new TenantEntry("demo", "Demo", plan, 1, Instant.EPOCH, 1, List.of(), List.of())));
    }
}
