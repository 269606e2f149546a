/** Admission: a client's message in, checked and signed, on the log. */
@NullMarked
package io.agentserver.gateway.admission;

import org.jspecify.annotations.NullMarked;
