package io.agentserver.pump.http;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.security.Security;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.stream.Stream;

/**
 * How tests look names up: as ever, but for the names that they give answers of their own to, which may be another each time. The JDK
 * finds it by its service file, and keeps no answer.
 */
public final class ChangingNames extends InetAddressResolverProvider {
    private static final Map<String, Deque<List<InetAddress>>> ANSWERS = new ConcurrentHashMap<>();

    static {
        Security.setProperty("networkaddress.cache.ttl", "0"); // read after the first look-up, which needs this class
    }

    /** From now on a look-up of the name has the first of these, the next one the second; then there is no such name. */
    static void answer(String name, List<List<String>> addresses) {
        Deque<List<InetAddress>> answers = new ConcurrentLinkedDeque<>();
        addresses.forEach(
                each -> answers.add(each.stream().map(InetAddress::ofLiteral).toList()));
        ANSWERS.put(name, answers);
    }

    /** How many answers have not been asked for. */
    static int left(String name) {
        Deque<List<InetAddress>> answers = ANSWERS.get(name);
        return answers == null ? 0 : answers.size();
    }

    @Override
    public InetAddressResolver get(Configuration configuration) {
        InetAddressResolver usual = configuration.builtinResolver();
        return new InetAddressResolver() {
            @Override
            public Stream<InetAddress> lookupByName(String host, LookupPolicy policy) throws UnknownHostException {
                Deque<List<InetAddress>> answers = ANSWERS.get(host);
                if (answers == null) {
                    return usual.lookupByName(host, policy);
                }
                List<InetAddress> answer = answers.poll();
                if (answer == null) {
                    throw new UnknownHostException(host);
                }
                return answer.stream();
            }

            @Override
            public String lookupByAddress(byte[] address) throws UnknownHostException {
                return usual.lookupByAddress(address);
            }
        };
    }

    @Override
    public String name() {
        return "changing names";
    }
}
