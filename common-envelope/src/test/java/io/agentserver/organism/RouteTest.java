package io.agentserver.organism;

import org.junit.jupiter.api.Test;

import static io.agentserver.organism.Organisms.HELLO_WORLD;
import static io.agentserver.organism.Organisms.valid;
import static org.assertj.core.api.Assertions.assertThat;

class RouteTest {

    @Test
    void a_message_with_a_receiver_goes_there_whatever_its_root() {
        Organism organism = valid(HELLO_WORLD);

        assertThat(organism.route("shouter", "Greeting", ""))
                .isEqualTo(new Route.One(organism.listener("shouter").orElseThrow()));
    }

    @Test
    void a_message_without_a_receiver_goes_where_its_root_is_taken() {
        Organism organism = valid(HELLO_WORLD);

        assertThat(organism.route(null, "Greeting", ""))
                .isEqualTo(new Route.One(organism.listener("greeter").orElseThrow()));
    }

    @Test
    void a_shared_root_goes_to_each_in_order() {
        Organism organism = valid("""
                organism: {name: o}
                listeners:
                  - {name: one, description: d, handler: builtin:echo, broadcast: true, payload: {root: In, fields: {}}}
                  - {name: two, description: d, handler: builtin:echo, broadcast: true, payload: {root: In, fields: {}}}
                  - {name: lone, description: d, handler: builtin:echo, broadcast: true, payload: {root: X, fields: {}}}
                """);

        assertThat(organism.route(null, "In", ""))
                .isEqualTo(new Route.Broadcast(organism.listeners().subList(0, 2)));
        assertThat(organism.route("two", "In", ""))
                .isEqualTo(new Route.One(organism.listeners().get(1)));
        assertThat(organism.route(null, "X", ""))
                .isEqualTo(new Route.One(organism.listeners().get(2)));
    }

    @Test
    void nobody_is_told_with_what_is_known() {
        Organism organism = valid(HELLO_WORLD);

        assertThat(organism.route("ghost", "Greeting", ""))
                .isEqualTo(new Route.None("unknown listener: ghost; known: greeter, shouter"));
        assertThat(organism.route(null, "foo", ""))
                .isEqualTo(new Route.None("unknown payload root: <foo>; known: <Greeting>, <GreetingResponse>"));
    }

    @Test
    void the_same_name_in_another_namespace_is_another_root() {
        assertThat(valid(HELLO_WORLD).route(null, "Greeting", "urn:other"))
                .isEqualTo(new Route.None(
                        "unknown payload root: <{urn:other}Greeting>; known: <Greeting>, <GreetingResponse>"));
    }
}
