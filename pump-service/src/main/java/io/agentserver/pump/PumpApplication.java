package io.agentserver.pump;

import io.agentserver.service.ServiceApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Import;

/** The pump as a process of its own. It listens on its management port alone. */
@SpringBootConfiguration
@EnableAutoConfiguration
@Import(PumpConfiguration.class)
public class PumpApplication {
    public static void main(String[] args) {
        ServiceApplication.run(PumpApplication.class, "pump", args);
    }
}
