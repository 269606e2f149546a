package io.agentserver.gateway;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * How tests' processes look names up: as ever, but each name is noted, and those under {@code .invalid}, which nobody has (RFC 6761),
 * are not asked for. The JDK finds it by its service file, and asks it for no name that it has looked up of late.
 */
public final class NotedLookUps extends InetAddressResolverProvider {
    private static final Set<String> NAMES = ConcurrentHashMap.newKeySet();

    static boolean have(String name) {
        return NAMES.contains(name);
    }

    @Override
    public InetAddressResolver get(Configuration configuration) {
        InetAddressResolver usual = configuration.builtinResolver();
        return new InetAddressResolver() {
            @Override
            public Stream<InetAddress> lookupByName(String host, LookupPolicy policy) throws UnknownHostException {
                NAMES.add(host);
                if (host.endsWith(".invalid")) {
                    throw new UnknownHostException(host);
                }
                return usual.lookupByName(host, policy);
            }

            @Override
            public String lookupByAddress(byte[] address) throws UnknownHostException {
                return usual.lookupByAddress(address);
            }
        };
    }

    @Override
    public String name() {
        return "noted look-ups";
    }
}
