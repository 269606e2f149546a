package io.agentserver.standalone.faults;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class CanaryCheckerTest {
    private static final Org ONE = new Org(new TenantId("one"), "k1", "kea1a");
    private static final Org OTHER = new Org(new TenantId("one-more"), "k2", "kea2b");

    private final CanaryChecker checker = new CanaryChecker(List.of(ONE, OTHER));

    @Test
    void a_tenants_word_may_stand_in_what_is_its_own() {
        checker.look("topics", "messages.one 0/1", ONE.tenant(), "<Text>kea1ar7</Text>");
        checker.look("topics", "messages.one-more 0/1", OTHER.tenant(), "<Text>kea2br7</Text>");
        checker.mustHaveSeen("topics");
        assertThat(checker.faults()).isEmpty();
    }

    @Test
    void finds_it_in_what_is_anothers() {
        checker.look("topics", "messages.one-more 0/1", OTHER.tenant(), "<Text>kea1ar7</Text>");
        assertThat(checker.faults())
                .containsExactly("the word of one in topics, messages.one-more 0/1, which is one-more's");
    }

    @Test
    void finds_it_in_what_is_nobodys() {
        checker.look("keys", "hit:kea1a", null, "hit:kea1a");
        assertThat(checker.faults()).containsExactly("the word of one in keys, hit:kea1a, which is nobody's");
    }

    @Test
    void says_so_where_there_was_nothing_to_find() {
        checker.look("answers", "a", ONE.tenant(), "kea1a");
        checker.mustHaveSeen("answers");
        assertThat(checker.faults()).singleElement().asString().contains("one-more");
    }

    @Test
    void knows_whose_a_name_is() {
        assertThat(checker.ownerOf("credit:{one}:state")).isEqualTo(ONE.tenant());
        assertThat(checker.ownerOf("thread:one-more:{0199c0de-7a11-7000-8000-000000000001}:meta"))
                .isEqualTo(OTHER.tenant());
        assertThat(checker.ownerOf("queue_size{tenant=\"one-more\"} 1.0")).isEqualTo(OTHER.tenant());
        assertThat(checker.ownerOf("messages.one")).isEqualTo(ONE.tenant());
        assertThat(checker.ownerOf("lease:7")).isNull();
    }
}
