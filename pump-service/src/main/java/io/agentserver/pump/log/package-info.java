/** Kafka: what is polled goes into lanes, what is emitted is acknowledged, what is finished is committed. */
@NullMarked
package io.agentserver.pump.log;

import org.jspecify.annotations.NullMarked;
