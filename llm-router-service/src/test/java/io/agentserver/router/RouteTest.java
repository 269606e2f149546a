package io.agentserver.router;

import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class RouteTest {
    private static final Backend BACKEND = new SimulatedBackend(Clock.systemUTC());

    @Test
    void shares_the_calls_of_a_step_by_weight_and_falls_back_to_the_others_of_it_first() {
        Route route = new Route(
                "r",
                List.of(target("a", 0, 3), target("b", 0, 1), target("c", 1, 1)),
                Optional.empty(),
                Route.Limits.DEFAULT,
                10,
                List.of(target("d", -1, 1)),
                PriceList.builtIn(),
                Route.Caching.NONE);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int first = 0;
        for (int i = 0; i < 10_000; i++) {
            List<String> order =
                    route.inOrder(random).stream().map(Route.Target::model).toList();
            assertThat(order).as("seed " + seed).isIn(List.of("a", "b", "c", "d"), List.of("b", "a", "c", "d"));
            first += order.getFirst().equals("a") ? 1 : 0;
        }
        // 7,500 expected, a standard deviation is 43
        assertThat(first).as("seed " + seed).isCloseTo(7_500, within(600));
    }

    private static Route.Target target(String model, int step, int weight) {
        return new Route.Target(BACKEND, model, step, weight);
    }
}
