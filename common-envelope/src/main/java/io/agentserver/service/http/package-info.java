/** How every HTTP server here deals with slow clients, and with what Tomcat refuses by itself. */
@NullMarked
package io.agentserver.service.http;

import org.jspecify.annotations.NullMarked;
