package io.agentserver.organism;

import org.jspecify.annotations.Nullable;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;
import java.util.Locale;

/**
 * Where the services of {@code http} listeners may be: what a tenant writes in its organism must not reach what stands beside
 * the platform. A host is looked at when an organism is saved, each address of it again when it is called. Immutable.
 */
public enum HandlerHosts {
    /** For reading what was saved: calls are checked by themselves. */
    ANY,
    PUBLIC,
    /** In dev alone. */
    PUBLIC_OR_LOOPBACK;

    /**
     * Names that are never the public internet's (RFC 6761, 6762, 8375; ICANN reserves {@code internal}; {@code svc} is how
     * Kubernetes shortens its services' names).
     */
    private static final List<String> PRIVATE_SUFFIXES =
            List.of(".internal", ".local", ".svc", ".home.arpa", ".onion", ".invalid", ".test");

    public static HandlerHosts of(boolean allowLoopback) {
        return allowLoopback ? PUBLIC_OR_LOOPBACK : PUBLIC;
    }

    /** Whether calls may go there. */
    public boolean allow(InetAddress address) {
        return switch (this) {
            case ANY -> true;
            case PUBLIC -> isPublic(address);
            case PUBLIC_OR_LOOPBACK -> address.isLoopbackAddress() || isPublic(address);
        };
    }

    /** Whether a URL's host may be public, as far as it can be said without resolving it. */
    boolean allow(String host) {
        if (this == ANY) {
            return true;
        }
        InetAddress literal = literal(host);
        if (literal != null) {
            return allow(literal);
        }
        String name = host.toLowerCase(Locale.ROOT);
        name = name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
        if (name.equals("localhost") || name.endsWith(".localhost")) {
            return this == PUBLIC_OR_LOOPBACK;
        }
        return name.contains(".") && PRIVATE_SUFFIXES.stream().noneMatch(name::endsWith);
    }

    /** Also {@code 2130706433} and {@code 0x7f000001}, which some resolvers take for an address. */
    private static @Nullable InetAddress literal(String host) {
        try {
            return host.startsWith("[")
                    ? InetAddress.ofLiteral(host.substring(1, host.length() - 1))
                    : Inet4Address.ofPosixLiteral(host);
        } catch (IllegalArgumentException e) {
            return null; // a name
        }
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
