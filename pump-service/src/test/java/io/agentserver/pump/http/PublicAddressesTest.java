package io.agentserver.pump.http;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.InetAddress;
import java.net.UnknownHostException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PublicAddressesTest {
    private static final PublicAddresses STRICT = new PublicAddresses(false);
    private static final PublicAddresses DEV = new PublicAddresses(true);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.1",
                "0.0.0.0",
                "10.1.2.3",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "169.254.169.254",
                "100.64.0.1",
                "100.100.100.200",
                "192.0.0.192",
                "198.18.0.1",
                "224.0.0.1",
                "255.255.255.255",
                "240.0.0.1",
                "::1",
                "::",
                "fe80::1",
                "fc00::1",
                "fd00:ec2::254",
                "ff02::1",
                "::ffff:10.0.0.1",
                "::ffff:127.0.0.1",
                "64:ff9b::a00:1",
                "2002:a00:1::1",
                "2001::1",
                "2001:db8::1",
                "fec0::1"
            })
    void refuses_what_is_not_on_the_public_internet(String address) {
        assertThatThrownBy(() -> STRICT.resolve(address)).isInstanceOf(PublicAddresses.Forbidden.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"93.184.216.34", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1"})
    void lets_public_addresses_pass(String address) throws UnknownHostException {
        assertThat(STRICT.resolve(address)).containsExactly(InetAddress.getByName(address));
    }

    @Test
    void dev_lets_loopback_pass_and_nothing_else() throws UnknownHostException {
        assertThat(DEV.resolve("127.0.0.1")).hasSize(1);
        assertThat(DEV.resolve("localhost")).isNotEmpty();
        assertThatThrownBy(() -> DEV.resolve("169.254.169.254")).isInstanceOf(PublicAddresses.Forbidden.class);
        assertThatThrownBy(() -> DEV.resolve("0.0.0.0")).isInstanceOf(PublicAddresses.Forbidden.class);
    }
}
