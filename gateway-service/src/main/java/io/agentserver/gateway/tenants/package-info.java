/** The tenant table (DynamoDB) and the tenants topic that tells every pod of it. */
@NullMarked
package io.agentserver.gateway.tenants;

import org.jspecify.annotations.NullMarked;
