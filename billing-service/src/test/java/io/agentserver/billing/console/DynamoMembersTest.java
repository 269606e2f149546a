package io.agentserver.billing.console;

import io.agentserver.billing.Calls;
import io.agentserver.billing.TestStores;
import io.agentserver.billing.console.DynamoMembers.Outcome;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;

class DynamoMembersTest {
    private static final Instant NOW = Instant.parse("2026-03-14T12:00:00Z");
    private static final DynamoDbClient DYNAMO = TestStores.dynamo();

    private final DynamoMembers members = new DynamoMembers(DYNAMO, Clock.fixed(NOW, ZoneOffset.UTC));
    private final TenantId tenant = Calls.newTenant();

    @BeforeAll
    static void table() {
        DynamoMembers.createIfAbsent(DYNAMO);
        DynamoMembers.createIfAbsent(DYNAMO);
    }

    @Test
    void an_org_is_claimed_once() {
        assertThat(members.claim(tenant, "a@x.test")).isEqualTo(Outcome.DONE);
        assertThat(members.claim(tenant, "a@x.test")).isEqualTo(Outcome.ALREADY);
        assertThat(members.claim(tenant, "b@x.test")).isEqualTo(Outcome.ALREADY);
        assertThat(members.of(tenant)).containsExactly(new Member(tenant, "a@x.test", Role.OWNER, "a@x.test", NOW));
    }

    @Test
    void a_person_finds_every_org_they_are_in() {
        TenantId second = Calls.newTenant();
        String email = tenant + "@x.test";
        members.claim(tenant, email);
        members.add(second, email, Role.VIEWER, "boss@x.test");

        assertThat(members.where(email)).extracting(Member::tenant).containsExactlyInAnyOrder(tenant, second);
        assertThat(members.find(second, email)).contains(new Member(second, email, Role.VIEWER, "boss@x.test", NOW));
        assertThat(members.find(second, "other@x.test")).isEmpty();
    }

    @Test
    void the_last_owner_stays_whatever_is_asked() {
        members.claim(tenant, "a@x.test");
        assertThat(members.remove(tenant, "a@x.test")).isEqualTo(Outcome.LAST_OWNER);
        assertThat(members.changeRole(tenant, "a@x.test", Role.VIEWER)).isEqualTo(Outcome.LAST_OWNER);

        assertThat(members.add(tenant, "b@x.test", Role.VIEWER, "a@x.test")).isEqualTo(Outcome.DONE);
        assertThat(members.changeRole(tenant, "b@x.test", Role.OWNER)).isEqualTo(Outcome.DONE);
        assertThat(members.remove(tenant, "a@x.test")).isEqualTo(Outcome.DONE);
        assertThat(members.remove(tenant, "b@x.test")).isEqualTo(Outcome.LAST_OWNER);
        assertThat(members.remove(tenant, "a@x.test")).isEqualTo(Outcome.NO_SUCH_MEMBER);
        assertThat(members.of(tenant)).extracting(Member::email).containsExactly("b@x.test");
    }

    @Test
    void of_two_owners_who_leave_at_once_one_stays() throws InterruptedException, ExecutionException {
        for (int round = 0; round < 10; round++) {
            TenantId org = Calls.newTenant();
            members.claim(org, "a@x.test");
            members.add(org, "b@x.test", Role.OWNER, "a@x.test");
            List<Callable<Outcome>> both = List.of(
                    () -> members.remove(org, "a@x.test"), () -> members.changeRole(org, "b@x.test", Role.VIEWER));
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (Future<Outcome> outcome : threads.invokeAll(both)) {
                    assertThat(outcome.get()).isIn(Outcome.DONE, Outcome.LAST_OWNER);
                }
            }
            assertThat(members.of(org))
                    .filteredOn(member -> member.role() == Role.OWNER)
                    .hasSize(1);
        }
    }

    @Test
    void nobody_is_added_twice() {
        members.claim(tenant, "a@x.test");
        assertThat(members.add(tenant, "b@x.test", Role.BILLING, "a@x.test")).isEqualTo(Outcome.DONE);
        assertThat(members.add(tenant, "b@x.test", Role.OWNER, "a@x.test")).isEqualTo(Outcome.ALREADY);
        assertThat(members.find(tenant, "b@x.test")).map(Member::role).contains(Role.BILLING);
        assertThat(members.remove(tenant, "a@x.test")).isEqualTo(Outcome.LAST_OWNER);
    }
}
