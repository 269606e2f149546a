package io.agentserver.credit;

import java.util.Optional;

/**
 * How a tenant's credit stands.
 *
 * @param epoch none: it is closed
 * @param version of the balance; 0: none was ever written
 * @param era of the ledger that the balance is of; empty: not known
 * @param available balance − holds − unposted, micro-USD
 */
public record Standing(Optional<String> epoch, long version, String era, long available) {}
