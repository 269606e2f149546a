@NullMarked
package io.agentserver.envelope;

import org.jspecify.annotations.NullMarked;
