/** A tenant's prepaid credit in Redis, as router, gateway and billing share it (CONTRACTS 6 and 7). */
@NullMarked
package io.agentserver.credit;

import org.jspecify.annotations.NullMarked;
