/** What the Kafka topics are called and what a record on them carries. */
@NullMarked
package io.agentserver.log;

import org.jspecify.annotations.NullMarked;
