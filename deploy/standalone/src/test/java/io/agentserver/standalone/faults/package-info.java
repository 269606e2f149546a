/**
 * The platform as processes over real stores, under load, with faults that a seed says; a history of what clients saw and of
 * what was done to it; and a checker that reads the history beside the stores.
 */
@NullMarked
package io.agentserver.standalone.faults;

import org.jspecify.annotations.NullMarked;
