/** Commits in DynamoDB. */
@NullMarked
package io.agentserver.buffer.store.dynamo;

import org.jspecify.annotations.NullMarked;
