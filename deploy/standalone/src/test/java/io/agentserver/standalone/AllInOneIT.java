package io.agentserver.standalone;

import java.nio.file.Path;
import java.util.Map;

class AllInOneIT extends EndToEndContract {
    @Override
    Platform start(Path home, Map<String, String> settings) {
        return AllInOne.start(home, settings);
    }
}
