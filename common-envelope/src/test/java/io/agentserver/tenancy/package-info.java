@NullMarked
package io.agentserver.tenancy;

import org.jspecify.annotations.NullMarked;
