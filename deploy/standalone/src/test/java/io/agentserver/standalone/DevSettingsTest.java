package io.agentserver.standalone;

import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStoreException;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DevSettingsTest {
    @Test
    void name_all_ports_that_are_taken_in_one_line_with_their_holder_and_the_remedy() throws IOException {
        Map<String, String> environment = freePorts();
        try (ServerSocket one = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                ServerSocket other = new ServerSocket(0)) {
            environment.put("AGENTSERVER_GATEWAY_PORT", String.valueOf(one.getLocalPort()));
            environment.put("AGENTSERVER_PUMP_MANAGEMENT_PORT", String.valueOf(other.getLocalPort()));
            assertThatThrownBy(() -> new DevSettings(environment).requireFreePorts())
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessage("AGENTSERVER_GATEWAY_PORT=" + one.getLocalPort() + ", AGENTSERVER_PUMP_MANAGEMENT_PORT="
                            + other.getLocalPort() + " taken by process "
                            + ProcessHandle.current().pid() + " (java): stop that, or give other ports");
        }
        new DevSettings(environment).requireFreePorts();
    }

    @Test
    void refuse_one_port_for_two() {
        Map<String, String> environment = freePorts();
        environment.put("AGENTSERVER_LLM_PORT", environment.get("AGENTSERVER_GATEWAY_PORT"));
        assertThatThrownBy(() -> new DevSettings(environment).requireFreePorts())
                .hasMessage("AGENTSERVER_GATEWAY_PORT and AGENTSERVER_LLM_PORT are both "
                        + environment.get("AGENTSERVER_LLM_PORT") + ": give each a port of its own");
    }

    @Test
    void refuse_what_is_no_port() {
        for (String text : List.of("", "0", "65536", "http", "-1", "99999999999")) {
            assertThatThrownBy(() -> new DevSettings(Map.of("AGENTSERVER_GATEWAY_PORT", text))
                            .port(Setting.AGENTSERVER_GATEWAY_PORT))
                    .hasMessage("AGENTSERVER_GATEWAY_PORT=" + text + " is no port: give a number from 1 to 65535");
        }
    }

    @Test
    void a_store_s_own_word_is_the_reason_to_tell_and_not_its_cause(@TempDir Path directory) throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> LocalStores.start(file, Map.of(LocalStore.REDIS, 0)))
                .isInstanceOfSatisfying(LocalStoreException.class, e -> {
                    assertThat(e).hasCauseInstanceOf(IOException.class);
                    assertThat(StandaloneApplication.reason(e)).isEqualTo(e.getMessage());
                });
    }

    private static Map<String, String> freePorts() {
        Map<String, String> environment = new HashMap<>();
        int[] free = FreePorts.take(Setting.ports().size());
        for (int i = 0; i < free.length; i++) {
            environment.put(Setting.ports().get(i).name(), String.valueOf(free[i]));
        }
        return environment;
    }
}
