package io.agentserver.gateway;

import com.sun.management.UnixOperatingSystemMXBean;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.limits.BodyMemory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Clients that hold connections and say little: the gateway's memory is bounded, and everybody else is served. */
@ExtendWith(GatewayExtension.class)
class ManyConnectionsTest {
    private static final int MANY = 10_000;
    private static final int MIB = 1024 * 1024;

    /** Half of the heap of the chart's gateway (1 GiB, of which 75 %). */
    private static final long MOST_HEAP = 384L * MIB;

    /** What a garbage collection, or another process, may take of the time of three of 200 requests. */
    private static final Duration BUSY_MACHINE = Duration.ofMillis(250);

    private static final String GREETING = "{\"payload\":{\"Greeting\":{\"Name\":\"x\"}}}";

    private final RunningGateway gateway;
    private String key = "";

    ManyConnectionsTest(RunningGateway gateway) {
        this.gateway = gateway;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        key = gateway.createTenant("m" + Ids.v7().toString().substring(0, 35).replace("-", "x"));
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    @Test
    void ten_thousand_connections_idle_or_with_half_a_header_take_little_memory_and_nobody_elses_place()
            throws Exception {
        requireSockets();
        p99OfAnother(); // until everything is warm
        Duration quiet = p99OfAnother();
        long before = heap();
        // in a process of its own: one has not enough descriptors for both ends
        Process clients = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-cp",
                        Path.of(Clients.class
                                        .getProtectionDomain()
                                        .getCodeSource()
                                        .getLocation()
                                        .toURI())
                                .toString(),
                        Clients.class.getName(),
                        String.valueOf(gateway.port()),
                        String.valueOf(MANY))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(clients.getInputStream(), StandardCharsets.UTF_8))) {
            assertThat(out.readLine()).isEqualTo("idle: " + MANY);
            Duration besideIdle = p99OfAnother();
            long idle = heap() - before;
            assertThat(idle).isLessThan(MOST_HEAP);
            clients.outputWriter()
                    .append("GET /v1/threads HTTP/1.1|Host: x|X-Slow: " + "x".repeat(1000) + "\n")
                    .flush();
            assertThat(out.readLine()).isEqualTo("said: " + MANY);
            Duration besideHalf = p99OfAnother();
            long half = heap() - before;
            System.out.printf(
                    "%,d connections: %d MiB idle, %d MiB with half a header%n", MANY, idle / MIB, half / MIB);
            System.out.printf(
                    "another tenant's p99: %.1f ms before, %.1f ms beside the idle, %.1f ms while the halves come%n",
                    quiet.toNanos() / 1e6, besideIdle.toNanos() / 1e6, besideHalf.toNanos() / 1e6);
            assertThat(half).isLessThan(MOST_HEAP);
            assertThat(besideIdle).isLessThan(quiet.multipliedBy(5).plus(BUSY_MACHINE));
        } finally {
            clients.destroyForcibly().waitFor();
        }
    }

    /** Of 200 requests of a tenant that holds none of the connections, one after the other, each by a connection of its own. */
    private Duration p99OfAnother() throws IOException {
        List<Duration> taken = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            long begin = System.nanoTime();
            try (Socket another = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
                another.setSoTimeout(20_000);
                another.getOutputStream()
                        .write(("GET /v1/listeners HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                                        + key + "\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                assertThat(new String(another.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                        .startsWith("HTTP/1.1 200");
            }
            taken.add(Duration.ofNanos(System.nanoTime() - begin));
        }
        Collections.sort(taken);
        assertThat(taken.getLast()).isLessThan(Duration.ofSeconds(5));
        return taken.get(197);
    }

    @Test
    void bodies_beyond_the_memory_for_them_are_503_and_those_without_an_api_key_leave_room_for_the_others() {
        BodyMemory memory = gateway.bean(BodyMemory.class);
        SigningOrg org = new SigningOrg(gateway);
        try (BodyMemory.Share strangers = memory.share(BodyMemory.STRANGERS)) {
            while (strangers.take(4096)) {
                // slow clients, one after another
            }
            Answer refused = org.send(org.signed(SigningOrg.unsigned()));
            assertThat(refused.status()).as(refused.body()).isEqualTo(503);
            assertThat(refused.problem()).isEqualTo("unavailable");
            assertThat(refused.header("Retry-After")).isNotEmpty();
            assertThat(gateway.post("/v1/messages", key, "application/json", GREETING)
                            .status())
                    .isEqualTo(202);
            try (BodyMemory.Share another = memory.share("another-tenant")) {
                while (another.take(4096)) {
                    // and all that one more may have
                }
                assertThat(gateway.post("/v1/messages", key, "application/json", GREETING)
                                .status())
                        .as("a third finds room")
                        .isEqualTo(202);
                assertThat(gateway.post(
                                        "/admin/v1/tenants",
                                        RunningGateway.ADMIN_KEY,
                                        "application/json",
                                        "{\"id\":\"x\"}")
                                .problem())
                        .as("the operator's are not strangers'")
                        .isNotEqualTo("unavailable");
                assertThat(gateway.get("/v1/listeners", key).status())
                        .as("without a body")
                        .isEqualTo(200);
            }
        }
        assertThat(org.send(org.signed(SigningOrg.unsigned())).status()).isEqualTo(202);
    }

    @Test
    void a_body_holds_memory_until_its_request_is_over_and_no_longer() throws IOException {
        BodyMemory memory = gateway.bean(BodyMemory.class);
        int said = 200_000;
        try (Socket slow = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
            slow.getOutputStream()
                    .write(("POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\nContent-Length: "
                                    + (said + 1) + "\r\n\r\n" + "x".repeat(said))
                            .getBytes(StandardCharsets.US_ASCII));
            Awaitility.await().until(() -> memory.held() >= said);
            assertThat(memory.held()).isLessThan(2L * said);
        }
        Awaitility.await().until(() -> memory.held() == 0);
        for (String body : List.of(GREETING, "{", "x".repeat(300_000))) {
            gateway.post("/v1/messages", key, "application/json", body);
            gateway.post("/v1/messages", "nobodys", "application/json", body);
        }
        Awaitility.await().until(() -> memory.held() == 0);
    }

    /** What is reachable. */
    private static long heap() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static void requireSockets() {
        long descriptors = ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? unix.getMaxFileDescriptorCount()
                : 0;
        if (descriptors < MANY + 2000) {
            assertThat(System.getenv("CI"))
                    .as("CI: ulimit -n of at least 12000")
                    .isNotEqualTo("true");
            Assumptions.abort("not run: 10,000 connections need ulimit -n 12000, here it is " + descriptors);
        }
    }

    /** Opens connections; at a line of input it says that on each, and holds them until it is killed. */
    static final class Clients {
        private Clients() {}

        @SuppressWarnings("SystemOut")
        public static void main(String[] args) throws IOException {
            int count = Integer.parseInt(args[1]);
            InetSocketAddress server =
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(args[0]));
            List<SocketChannel> held = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                held.add(SocketChannel.open(server));
            }
            System.out.println("idle: " + held.size());
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                byte[] said = line.replace("|", "\r\n").getBytes(StandardCharsets.US_ASCII);
                for (SocketChannel socket : held) {
                    socket.write(ByteBuffer.wrap(said));
                }
                System.out.println("said: " + held.size());
            }
        }
    }
}
