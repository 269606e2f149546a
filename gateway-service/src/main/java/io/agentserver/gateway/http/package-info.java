/** What all endpoints do alike: bounded bodies, JSON in and out, request ids. */
@NullMarked
package io.agentserver.gateway.http;

import org.jspecify.annotations.NullMarked;
