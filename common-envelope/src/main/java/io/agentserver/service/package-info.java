/** What every service process does alike: settings, start-up, service tokens. */
@NullMarked
package io.agentserver.service;

import org.jspecify.annotations.NullMarked;
