package io.agentserver.billing;

import io.agentserver.service.ServiceApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Import;

import java.util.Arrays;
import java.util.List;

/**
 * Billing as a process; {@link BillingConfiguration} is its map. With the one argument {@code reconcile} it is
 * {@link ReconcileCommand} instead, with {@code receipt} and an id {@link ReceiptCommand}.
 */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(BillingConfiguration.class)
public class BillingApplication {
    public static void main(String[] args) {
        if (args.length == 1 && args[0].equals("reconcile")) {
            ReconcileCommand.quietLogging();
            System.exit(ReconcileCommand.run(System.getenv(), System.out, System.err));
        }
        if (args.length > 0 && args[0].equals("receipt")) {
            ReconcileCommand.quietLogging();
            List<String> words = Arrays.asList(args).subList(1, args.length);
            System.exit(ReceiptCommand.run(words, System.getenv(), System.out, System.err));
        }
        ServiceApplication.run(BillingApplication.class, "billing", args);
    }
}
