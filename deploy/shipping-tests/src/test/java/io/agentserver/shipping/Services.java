package io.agentserver.shipping;

import io.agentserver.service.Setting;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The five services as their code and CONTRACTS have them: what everything that is shipped is compared with. */
final class Services {
    static final List<String> NAMES = List.of("gateway", "llm-router", "buffer", "pump", "billing");

    /** The ports of CONTRACTS.md, section 10, by service and name. */
    private static final Map<String, Map<String, Integer>> PORTS = Map.of(
            "gateway", Map.of("http", 8080, "management", 9080),
            "llm-router", Map.of("http", 8081, "management", 9081),
            "buffer", Map.of("grpc", 8082, "management", 9082),
            "pump", Map.of("management", 9083),
            "billing", Map.of("http", 8084, "management", 9084));

    /** What is for clients and for {@code dev}: no service that is shipped reads it. */
    static final Set<Setting> NOT_SHIPPED =
            Set.of(Setting.AGENTSERVER_URL, Setting.AGENTSERVER_API_KEY, Setting.AGENTSERVER_HOME);

    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{(AGENTSERVER_[A-Z0-9_]+)");

    private Services() {}

    static Map<String, Integer> ports(String service) {
        return Objects.requireNonNull(PORTS.get(service), service);
    }

    static int port(String service, String name) {
        return Objects.requireNonNull(ports(service).get(name), name);
    }

    /** The settings that a service's own configuration file reads. */
    static Set<String> settingsOf(String service) {
        Path file = Path.of("../../" + service + "-service/src/main/resources/" + service + ".yml");
        Set<String> settings = new TreeSet<>();
        try {
            Matcher placeholder = PLACEHOLDER.matcher(Files.readString(file));
            while (placeholder.find()) {
                settings.add(placeholder.group(1));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return settings;
    }

    static boolean isSetting(String variable) {
        for (Setting setting : Setting.values()) {
            if (setting.name().equals(variable)) {
                return true;
            }
        }
        return false;
    }
}
