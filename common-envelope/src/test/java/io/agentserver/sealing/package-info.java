@NullMarked
package io.agentserver.sealing;

import org.jspecify.annotations.NullMarked;
