/**
 * A tenant's organism: its listeners, what each takes and answers, who may call whom. {@link
 * io.agentserver.organism.OrganismParser} reads the YAML document, {@link io.agentserver.organism.Organism} routes, {@link
 * io.agentserver.organism.PayloadType} checks payloads, {@link io.agentserver.organism.PayloadJson} turns them into JSON
 * and back. Everything here is immutable or without state, and does no I/O.
 */
@NullMarked
package io.agentserver.organism;

import org.jspecify.annotations.NullMarked;
