/** What the pump's tests share: organisms and calls made in a line. */
@NullMarked
package io.agentserver.pump.testing;

import org.jspecify.annotations.NullMarked;
