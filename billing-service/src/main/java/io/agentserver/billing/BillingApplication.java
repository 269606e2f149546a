package io.agentserver.billing;

import io.agentserver.service.ServiceApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Import;

/** Billing as a process; {@link BillingConfiguration} is its map. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(BillingConfiguration.class)
public class BillingApplication {
    public static void main(String[] args) {
        ServiceApplication.run(BillingApplication.class, "billing", args);
    }
}
