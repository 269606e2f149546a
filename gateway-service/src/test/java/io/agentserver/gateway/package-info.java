/** The gateway through real HTTP, on a real Kafka and DynamoDB Local. */
@NullMarked
package io.agentserver.gateway;

import org.jspecify.annotations.NullMarked;
