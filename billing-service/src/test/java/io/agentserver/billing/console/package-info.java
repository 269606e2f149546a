@NullMarked
package io.agentserver.billing.console;

import org.jspecify.annotations.NullMarked;
