@NullMarked
package io.agentserver.standalone;

import org.jspecify.annotations.NullMarked;
