/** What a refused request is answered with: problem documents (RFC 9457), each of them counted. */
@NullMarked
package io.agentserver.gateway.problems;

import org.jspecify.annotations.NullMarked;
