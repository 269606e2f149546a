package io.agentserver.router;

import io.agentserver.service.ServiceApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.error.ErrorMvcAutoConfiguration;
import org.springframework.context.annotation.Import;

/** The LLM router as a process of its own. */
@SpringBootConfiguration
// Boot's error page would be written into a stream that is broken on purpose
@EnableAutoConfiguration(exclude = ErrorMvcAutoConfiguration.class)
@Import(LlmRouterConfiguration.class)
public class LlmRouterApplication {
    public static void main(String[] args) {
        ServiceApplication.run(LlmRouterApplication.class, "llm-router", args);
    }
}
