package io.agentserver.organism;

import java.util.List;

/** What came of reading an organism's document. */
public sealed interface Parsed {

    record Valid(Organism organism) implements Parsed {}

    /** At least one error; all there are (1,000 at most), in the order of the document. */
    record Invalid(List<OrganismError> errors) implements Parsed {
        public Invalid {
            errors = List.copyOf(errors);
        }
    }
}
