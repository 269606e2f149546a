package io.agentserver.pump.http;

import io.agentserver.organism.HandlerHosts;
import org.apache.hc.client5.http.DnsResolver;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * Resolves a handler's host to addresses of the public internet alone: what a tenant writes in its organism must not reach
 * what stands beside the pump. It is asked for each connection, and the connection goes to the address that it answered,
 * so that no second look-up can answer otherwise. Safe on any thread.
 */
final class PublicAddresses implements DnsResolver {
    private final HandlerHosts allowed;

    PublicAddresses(boolean allowLoopback) {
        this.allowed = HandlerHosts.of(allowLoopback);
    }

    /** Not resolved to a public address: the host is refused before a connection is opened. */
    static final class Forbidden extends UnknownHostException {
        private static final long serialVersionUID = 1L;

        Forbidden(String host) {
            super(host + " is not on the public internet");
        }
    }

    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
        InetAddress[] all = InetAddress.getAllByName(host);
        InetAddress[] usable = Arrays.stream(all).filter(allowed::allow).toArray(InetAddress[]::new);
        if (usable.length < all.length) {
            throw new Forbidden(host); // one private address among public ones is an attack, not an oversight
        }
        return usable;
    }

    @Override
    public String resolveCanonicalHostname(String host) {
        return host;
    }
}
