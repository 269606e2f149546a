/** The ledger in DynamoDB. */
@NullMarked
package io.agentserver.billing.ledger.dynamo;

import org.jspecify.annotations.NullMarked;
