package io.agentserver.buffer;

import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.ThreadStore;

/** What the buffer keeps things in. The thread store's connections are the others' too: closing it closes all. */
record Stores(ThreadStore threads, DueStore due, Leases leases) {}
