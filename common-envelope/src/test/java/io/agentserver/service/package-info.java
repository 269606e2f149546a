@NullMarked
package io.agentserver.service;

import org.jspecify.annotations.NullMarked;
