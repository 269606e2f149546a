@NullMarked
package io.agentserver.log;

import org.jspecify.annotations.NullMarked;
