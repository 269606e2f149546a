@NullMarked
package io.agentserver.service.redis;

import org.jspecify.annotations.NullMarked;
