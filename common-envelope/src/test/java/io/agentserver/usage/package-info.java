@NullMarked
package io.agentserver.usage;

import org.jspecify.annotations.NullMarked;
