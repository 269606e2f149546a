package io.agentserver.service;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Whether nobody but this machine's own processes can reach an address. */
public final class Loopback {
    private Loopback() {}

    /** @param address a name or a literal; empty, which is every interface, is not */
    public static boolean is(String address) {
        try {
            return !address.isEmpty() && InetAddress.getByName(address).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
