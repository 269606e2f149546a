@NullMarked
package io.agentserver.credit;

import org.jspecify.annotations.NullMarked;
