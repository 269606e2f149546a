package io.agentserver.router;

import io.agentserver.log.Brokers;
import io.agentserver.router.Callers.Identity;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.tenancy.KeyUses;
import io.agentserver.tenancy.TenantDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;

import static org.assertj.core.api.Assertions.assertThat;

class CallersTest {

    /** A router that has just started, whose pumps ask as soon as its port is open. */
    @Test
    void refuses_services_until_all_tenants_and_their_limits_are_known(@TempDir Path home) throws IOException {
        Path file = home.resolve("platform.jwks");
        PlatformKeys.createIfAbsent(file);
        ServiceTokens tokens = new ServiceTokens(PlatformKeys.load(file), Clock.systemUTC());
        TenantDirectory unread = new TenantDirectory(Brokers.plain("127.0.0.1:1")); // not started: nothing is read
        Callers callers = new Callers(unread, tokens, new KeyUses(_ -> {}, KeyUses.Others.NONE), Clock.systemUTC());

        Identity service = callers.identify("Bearer " + tokens.issue(TestPlatform.ACME, ServiceTokens.LLM_CALL), null);
        assertThat(service).isInstanceOfSatisfying(Identity.Refused.class, refused -> {
            assertThat(refused.refusal().status()).isEqualTo(503);
            assertThat(refused.refusal().retryAfter()).isPositive();
        });
        assertThat(callers.identify("Bearer of bad news", null))
                .isInstanceOfSatisfying(
                        Identity.Refused.class,
                        refused -> assertThat(refused.refusal().status()).isEqualTo(401));
    }
}
