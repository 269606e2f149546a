/**
 * A real Kafka broker, a real Redis and DynamoDB Local on one machine, for {@code ./agentserver dev} and for the tests
 * of every service. All of them listen on 127.0.0.1 alone and keep their state in one directory that survives kill -9.
 */
@NullMarked
package io.agentserver.localstores;

import org.jspecify.annotations.NullMarked;
