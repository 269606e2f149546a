package io.agentserver.standalone;

import io.agentserver.billing.ReceiptCommand;
import io.agentserver.billing.ReconcileCommand;
import io.agentserver.buffer.BackupCommand;
import io.agentserver.localstores.LocalStoreException;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.JvmDefaults;
import io.agentserver.service.ServiceApplication;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * {@code reconcile}: compares slots, usage, ledger and Stripe ({@link ReconcileCommand}). {@code receipt <id>}: from a receipt to
 * Stripe's meter event, and back ({@link ReceiptCommand}). {@code backup …}: compares or restores a backup
 * ({@link BackupCommand}). {@code dev [--fresh]}: starts the platform, prints how to use it, runs until it is told to stop (Ctrl-C, SIGTERM). What
 * keeps it from starting is one line on standard error and exit code 1.
 */
public final class StandaloneApplication {
    private StandaloneApplication() {}

    public static void main(String[] arguments) throws InterruptedException {
        List<String> words = Arrays.asList(arguments);
        if (words.equals(List.of("reconcile"))) {
            ReconcileCommand.quietLogging();
            System.exit(reconcile());
        }
        if (!words.isEmpty() && words.getFirst().equals("receipt")) {
            ReconcileCommand.quietLogging();
            System.exit(receipt(words.subList(1, words.size())));
        }
        if (!words.isEmpty() && words.getFirst().equals("backup")) {
            BackupCommand.quietLogging();
            System.exit(backup(words.subList(1, words.size())));
        }
        JvmDefaults.provide();
        if (words.isEmpty()
                || !words.getFirst().equals("dev")
                || !List.of("dev", "--fresh").containsAll(words)) {
            System.err.println("agentserver: " + (words.isEmpty() ? "no command" : "unknown arguments " + words)
                    + "; known: dev, dev --fresh, reconcile, receipt, backup");
            Runtime.getRuntime().halt(2);
        }
        Map<String, String> environment = System.getenv();
        Path home = home();
        CountDownLatch stopped = new CountDownLatch(1);
        @Nullable DevPlatform[] running = new DevPlatform[1];
        try {
            running[0] = DevPlatform.start(home, environment, words.contains("--fresh"));
        } catch (RuntimeException e) {
            System.err.println("agentserver cannot start: " + reason(e) + details(home, e));
            Runtime.getRuntime().halt(1); // a half-started service has threads that would keep the process
        }
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> {
            DevPlatform platform = running[0];
            if (platform != null) {
                platform.close();
            }
            stopped.countDown();
        }));
        stopped.await();
    }

    /** Over the stores that the environment names; without any, over those of the {@code dev} that runs here. */
    private static int reconcile() {
        try {
            return ReconcileCommand.run(DevHome.forCommands(home(), System.getenv()), System.out, System.err);
        } catch (ConfigurationException e) {
            System.err.println("agentserver cannot reconcile: " + e.getMessage());
            return 2;
        }
    }

    /** Likewise. */
    private static int receipt(List<String> words) {
        try {
            return ReceiptCommand.run(words, DevHome.forCommands(home(), System.getenv()), System.out, System.err);
        } catch (ConfigurationException e) {
            System.err.println("agentserver cannot look the receipt up: " + e.getMessage());
            return 2;
        }
    }

    /** Likewise. The dev that runs here has a backup if it was given a bucket; the command is to be given it too. */
    private static int backup(List<String> words) {
        try {
            return BackupCommand.run(words, DevHome.forCommands(home(), System.getenv()), System.out, System.err);
        } catch (ConfigurationException e) {
            System.err.println("agentserver cannot do that with the backup: " + e.getMessage());
            return 2;
        }
    }

    private static Path home() {
        return Path.of(System.getenv().getOrDefault("AGENTSERVER_HOME", ".agentserver"));
    }

    /** What a store says of itself is nearer to the user than what caused it. */
    static String reason(RuntimeException failure) {
        return ServiceApplication.reason(
                failure instanceof LocalStoreException store
                        ? new ConfigurationException(String.valueOf(store.getMessage()), store)
                        : failure);
    }

    /** The stack trace, for whoever mends it, goes to a file; a user needs the one line, which may be all there is to say. */
    private static String details(Path home, RuntimeException failure) {
        if (failure instanceof ConfigurationException && failure.getCause() == null) {
            return "";
        }
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(home.resolve("start-failure.txt")))) {
            failure.printStackTrace(out);
            return " (details: " + home.resolve("start-failure.txt") + ")";
        } catch (IOException e) {
            return ""; // the directory itself may be what is wrong
        }
    }
}
