package io.agentserver.credit;

import java.time.Duration;

/** What a tenant has left of its limits of a minute. */
public record Minute(Part requests, Part tokens) {
    public static final Minute UNLIMITED = new Minute(Part.UNLIMITED, Part.UNLIMITED);

    /**
     * @param limit of a minute; 0: there is none
     * @param left 0 or more
     * @param reset until all of it is left again, if nothing more is used; up to 60 s
     */
    public record Part(long limit, long left, Duration reset) {
        static final Part UNLIMITED = new Part(0, 0, Duration.ZERO);

        public boolean isLimited() {
            return limit > 0;
        }
    }
}
