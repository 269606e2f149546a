package io.agentserver.organism;

import java.util.List;

/** What came of reading a tenant's own XSD. */
sealed interface XsdReading {

    record Usable(PayloadType type) implements XsdReading {}

    record Refused(List<Flaw> flaws) implements XsdReading {
        public Refused {
            flaws = List.copyOf(flaws);
        }
    }

    /** One thing that is wrong, with its line in the XSD, from 1. */
    record Flaw(int line, String reason, String remedy) {}
}
