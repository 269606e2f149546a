/** The {@code usage} topic in, and the question what was used. */
@NullMarked
package io.agentserver.billing.usage;

import org.jspecify.annotations.NullMarked;
