/** Benchmarks of a running platform, by its public ports alone. */
@NullMarked
package io.agentserver.loadtests;

import org.jspecify.annotations.NullMarked;
