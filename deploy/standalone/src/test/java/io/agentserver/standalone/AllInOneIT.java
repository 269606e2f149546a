package io.agentserver.standalone;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class AllInOneIT extends EndToEndContract {
    @Override
    Platform start(Path home, Map<String, String> settings) {
        return AllInOne.start(home, settings);
    }

    /** As many as two busy processors bear with DynamoDB Local; what the platform can do is in docs/performance.md. */
    @Test
    @Tag("alone")
    void under_a_constant_rate_of_many_tenants_all_that_is_accepted_is_finished(@TempDir Path scratch)
            throws Exception {
        Locust locust = Locust.run(
                scratch,
                platform().variable("AGENTSERVER_URL"),
                platform().variable("AGENTSERVER_ADMIN_KEY"),
                "--tenants=4",
                "--rate=30",
                "--warm-up=5",
                "--run-time=20s",
                "--drain=60");

        assertThat(locust.exit()).as(locust.output()).isZero();
        assertThat(locust.count("failed")).isZero();
        assertThat(locust.count("accepted")).isBetween(400L, 450L).isEqualTo(locust.count("finished"));
        assertThat(locust.output()).contains("bottleneck ");
        System.out.println(locust.output());
    }

    @Test
    void the_tables_for_aws_are_those_that_the_services_make() throws Exception {
        try (StoreViews stores = new StoreViews(platform())) {
            assertThat(AwsTemplate.tables()).isEqualTo(stores.tables());
        }
    }
}
