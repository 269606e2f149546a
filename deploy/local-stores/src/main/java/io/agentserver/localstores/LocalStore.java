package io.agentserver.localstores;

import java.util.Locale;

/** The stores that {@link LocalStores} can run. */
public enum LocalStore {
    KAFKA,
    REDIS,
    DYNAMODB;

    /** The sub-directory of the state directory that this store owns. */
    String directory() {
        return name().toLowerCase(Locale.ROOT);
    }
}
