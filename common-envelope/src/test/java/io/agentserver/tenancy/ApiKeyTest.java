package io.agentserver.tenancy;

import org.junit.jupiter.api.Test;

import java.security.SecureRandom;

import static org.assertj.core.api.Assertions.assertThat;

class ApiKeyTest {
    @Test
    void a_new_key_reads_back_and_a_mistyped_one_does_not() {
        ApiKey key = ApiKey.create(true, new SecureRandom());
        assertThat(key.secret()).startsWith("as_live_").hasSize(8 + 49);
        assertThat(ApiKey.parse(key.secret())).contains(key);
        char tenth = key.secret().charAt(10);
        String mistyped = key.secret().substring(0, 10)
                + (tenth == 'a' ? 'b' : 'a')
                + key.secret().substring(11);
        assertThat(ApiKey.parse(mistyped)).isEmpty();
        assertThat(ApiKey.parse("Bearer x")).isEmpty();
    }

    @Test
    void its_text_does_not_tell_the_secret() {
        ApiKey key = ApiKey.create(false, new SecureRandom());
        assertThat(key.toString()).isEqualTo("as_test_…");
        assertThat(key.hash()).hasSize(64).doesNotContain(key.secret());
    }
}
