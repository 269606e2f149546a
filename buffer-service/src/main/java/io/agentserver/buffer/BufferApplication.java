package io.agentserver.buffer;

import io.agentserver.service.ServiceApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Import;

import java.util.Arrays;
import java.util.List;

/**
 * The buffer as a process: {@code java -jar buffer-service-exec.jar}, configured by environment variables. With {@code backup} as
 * its first argument it is {@link BackupCommand} instead.
 */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(BufferConfiguration.class)
public class BufferApplication {

    public static void main(String[] args) {
        if (args.length > 0 && args[0].equals("backup")) {
            BackupCommand.quietLogging();
            List<String> words = Arrays.asList(args).subList(1, args.length);
            System.exit(BackupCommand.run(words, System.getenv(), System.out, System.err));
        }
        ServiceApplication.run(BufferApplication.class, "buffer", args);
    }
}
