package io.agentserver.standalone;

import java.nio.file.Path;
import java.util.Map;

class FiveProcessesIT extends EndToEndContract {
    @Override
    Platform start(Path home, Map<String, String> settings) {
        return FiveProcesses.start(home, settings);
    }
}
