/** What is shipped beside the jars, checked against what the services are: chart, alert rules, compose file. */
@NullMarked
package io.agentserver.shipping;

import org.jspecify.annotations.NullMarked;
