/** Metrics by tenant whose number is bounded. */
@NullMarked
package io.agentserver.service.metrics;

import org.jspecify.annotations.NullMarked;
