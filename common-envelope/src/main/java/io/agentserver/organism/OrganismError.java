package io.agentserver.organism;

/** One thing that is wrong with an organism's document: where (its line, from 1), what, and what to do about it. */
public record OrganismError(int line, String reason, String remedy) {}
