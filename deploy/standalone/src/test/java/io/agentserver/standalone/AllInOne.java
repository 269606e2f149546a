package io.agentserver.standalone;

import io.agentserver.localstores.FreePorts;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code ./agentserver dev}, in a directory and on ports of its own. */
final class AllInOne implements Platform {
    private static final String[] PORTS = {
        "GATEWAY",
        "LLM",
        "BUFFER",
        "BILLING",
        "GATEWAY_MANAGEMENT",
        "LLM_MANAGEMENT",
        "BUFFER_MANAGEMENT",
        "PUMP_MANAGEMENT",
        "BILLING_MANAGEMENT"
    };

    private final Path home;
    private final Map<String, String> settings = new HashMap<>();
    private Child process;
    private int starts;

    private AllInOne(Path home, Map<String, String> extra) {
        this.home = home;
        int[] ports = FreePorts.take(PORTS.length);
        for (int i = 0; i < PORTS.length; i++) {
            settings.put("AGENTSERVER_" + PORTS[i] + "_PORT", String.valueOf(ports[i]));
        }
        settings.put("AGENTSERVER_HOME", home.resolve("state").toString());
        settings.putAll(extra);
        process = start();
    }

    static AllInOne start(Path home, Map<String, String> extra) {
        return new AllInOne(home, extra);
    }

    @Override
    public Map<String, String> environment() {
        try {
            Map<String, String> variables = new LinkedHashMap<>();
            Files.readAllLines(home.resolve("state/dev.env")).forEach(line -> {
                int equals = line.indexOf('=');
                variables.put(line.substring(0, equals), line.substring(equals + 1));
            });
            return variables;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** @param service GATEWAY, LLM, BUFFER, PUMP or BILLING */
    int managementPort(String service) {
        return Integer.parseInt(settings.getOrDefault("AGENTSERVER_" + service + "_MANAGEMENT_PORT", ""));
    }

    @Override
    public void kill() {
        process.kill();
    }

    @Override
    public void restart() {
        process = start();
    }

    @Override
    public Child.Ended reconcile() {
        return Child.run("standalone", home.resolve("reconcile.log"), settings, "reconcile");
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            process.stop();
        }
    }

    private Child start() {
        Child child = Child.start("standalone", home.resolve("all-in-one.log"), settings, "dev");
        child.awaitLine("agentserver is ready", ++starts);
        return child;
    }
}
