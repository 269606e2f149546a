package io.agentserver.buffer;

import io.agentserver.service.ServiceApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Import;

/** The buffer as a process: {@code java -jar buffer-service-exec.jar}, configured by environment variables. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(BufferConfiguration.class)
public class BufferApplication {

    public static void main(String[] args) {
        ServiceApplication.run(BufferApplication.class, "buffer", args);
    }
}
