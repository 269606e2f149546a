/** The tenant console: pages for the people of an org. */
@NullMarked
package io.agentserver.billing.console;

import org.jspecify.annotations.NullMarked;
