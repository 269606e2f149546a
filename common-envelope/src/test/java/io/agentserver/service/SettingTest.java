package io.agentserver.service;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import static org.assertj.core.api.Assertions.assertThat;

class SettingTest {
    @Test
    void every_setting_is_documented_with_its_meaning() throws IOException {
        String page = Files.readString(Path.of("../docs/configuration.md"));
        for (Setting setting : Setting.values()) {
            assertThat(page).contains("| `" + setting + "` | " + setting.meaning() + " |");
        }
    }
}
