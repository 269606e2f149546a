package io.agentserver.billing.console;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class PersonTest {
    @Test
    void one_address_is_one_person_however_it_is_written() {
        assertThat(Person.normal(" Mike@Example.COM ")).isEqualTo("mike@example.com");
        assertThat(Person.isEmail("Mike@example.com")).isFalse();
        assertThat(Person.isEmail("mike@example.com")).isTrue();
    }

    @Test
    void letters_that_look_alike_are_not_folded_into_another_person() {
        assertThat(Person.normal("mi\u212ae@example.com")).isNotEqualTo("mike@example.com"); // the Kelvin sign
        assertThat(Person.normal("\u0130da@example.com")).isNotEqualTo("ida@example.com");
    }
}
