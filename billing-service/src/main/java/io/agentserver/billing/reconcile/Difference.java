package io.agentserver.billing.reconcile;

/**
 * One thing that two places say differently.
 *
 * @param key the same at each look at the same difference
 * @param text one line for whoever mends it: what, where, whose
 */
public record Difference(String key, String text) {}
