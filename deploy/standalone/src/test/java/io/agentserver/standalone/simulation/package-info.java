/** The pump's flow and the buffer's journal without time, threads and wires: every interleaving and crash comes from a seed. */
@NullMarked
package io.agentserver.standalone.simulation;

import org.jspecify.annotations.NullMarked;
