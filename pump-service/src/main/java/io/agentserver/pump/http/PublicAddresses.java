package io.agentserver.pump.http;

import org.apache.hc.client5.http.DnsResolver;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * Resolves a handler's host to addresses of the public internet alone: what a tenant writes in its organism must not reach
 * what stands beside the pump. It is asked for each connection, and the connection goes to the address that it answered,
 * so that no second look-up can answer otherwise. Safe on any thread.
 */
final class PublicAddresses implements DnsResolver {
    private final boolean allowLoopback;

    PublicAddresses(boolean allowLoopback) {
        this.allowLoopback = allowLoopback;
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
        InetAddress[] usable = Arrays.stream(all).filter(this::isAllowed).toArray(InetAddress[]::new);
        if (usable.length < all.length) {
            throw new Forbidden(host); // one private address among public ones is an attack, not an oversight
        }
        return usable;
    }

    @Override
    public String resolveCanonicalHostname(String host) {
        return host;
    }

    boolean isAllowed(InetAddress address) {
        return address.isLoopbackAddress() ? allowLoopback : isPublic(address);
    }

    /** By the special-purpose address registries of IANA (RFC 6890). */
    private static boolean isPublic(InetAddress address) {
        if (address.isAnyLocalAddress()
                || address.isLoopbackAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress()) {
            return false;
        }
        byte[] b = address.getAddress();
        return switch (address) {
            case Inet4Address _ -> isPublic4(b);
            case Inet6Address _ -> isPublic6(b);
            default -> false;
        };
    }

    private static boolean isPublic4(byte[] b) {
        int first = b[0] & 0xFF;
        int second = b[1] & 0xFF;
        int third = b[2] & 0xFF;
        return !(first == 0
                || first == 100 && second >= 64 && second < 128 // carrier-grade NAT, and some clouds' metadata
                || first == 192 && second == 0 && (third == 0 || third == 2)
                || first == 198 && (second == 18 || second == 19)
                || first == 198 && second == 51 && third == 100
                || first == 203 && second == 0 && third == 113
                || first >= 240);
    }

    /** Global unicast, without what carries an IPv4 address in it (6to4, Teredo, NAT64), and documentation. */
    private static boolean isPublic6(byte[] b) {
        int first = (b[0] & 0xFF) << 8 | b[1] & 0xFF;
        int second = (b[2] & 0xFF) << 8 | b[3] & 0xFF;
        return first >= 0x2000
                && first < 0x4000
                && first != 0x2002
                && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
                && !(first == 0x3fff && second < 0x1000);
    }
}
