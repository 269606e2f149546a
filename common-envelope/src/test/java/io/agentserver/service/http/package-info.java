/** Tests. */
@NullMarked
package io.agentserver.service.http;

import org.jspecify.annotations.NullMarked;
