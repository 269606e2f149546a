/** Who the tenants are: the directory entry, and the compacted {@code tenants} topic as a local table. */
@NullMarked
package io.agentserver.tenancy;

import org.jspecify.annotations.NullMarked;
