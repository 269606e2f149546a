/** Spring Security's side of the console: who is signed in, and what they may do. */
@NullMarked
package io.agentserver.billing.console.security;

import org.jspecify.annotations.NullMarked;
