package io.agentserver.router;

/** One server of a provider, and what calls are kept from it by. */
record Replica(Backend backend, Guard guard) {}
