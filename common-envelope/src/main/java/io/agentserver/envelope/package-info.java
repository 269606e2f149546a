/** The envelope (CONTRACTS 1) and its token (CONTRACTS 2): read, canonicalised, signed, verified. */
@NullMarked
package io.agentserver.envelope;

import org.jspecify.annotations.NullMarked;
