package io.agentserver.loadtests;

import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.JwsAlgorithm;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Requests of one message or of a batch, each with ids, threads and texts of its own. Safe on any thread. */
final class SentMessages {
    private static final int RANDOM_BYTES = 300; // 400 characters of Base64

    private final String head;
    private final boolean batch;
    private final int size;
    private final Message message;

    /** Makes one envelope. */
    private interface Message {
        String next();
    }

    private SentMessages(String head, int size, Message message) {
        this.head = head;
        this.batch = size > 1;
        this.size = size;
        this.message = message;
    }

    /** To what knows no envelopes: the same bytes, unsigned. */
    static SentMessages bare(URI server, int size) {
        return new SentMessages(head(server, "", size > 1), size, SentMessages::unsigned);
    }

    /** @param signed by a key that is registered for it; else with the tenant's API key */
    static SentMessages of(Platform tenant, boolean signed, int size) throws IOException, InterruptedException {
        if (!signed) {
            return new SentMessages(
                    head(tenant.gateway, "Authorization: Bearer " + tenant.key + "\r\n", size > 1),
                    size,
                    SentMessages::unsigned);
        }
        SigningKey key = registered(tenant);
        TenantId id = new TenantId(tenant.id());
        EnvelopeToken tokens = new EnvelopeToken(Clock.systemUTC());
        return new SentMessages(
                head(tenant.gateway, "", size > 1),
                size,
                () -> tokens.signAsOrg(document(), id, key).xml());
    }

    /** Made while they are sent. */
    Sending asTheyGo(URI server) {
        return new Sending(server, this::request);
    }

    /** Made now, on all cores; each is sent once. */
    Sending prepared(URI server, int count) {
        List<byte[]> requests =
                IntStream.range(0, count).parallel().mapToObj(i -> request()).toList();
        AtomicInteger next = new AtomicInteger();
        return new Sending(server, () -> requests.get(next.getAndIncrement()));
    }

    /** Sends them over connections that are kept. */
    static final class Sending extends KeptConnections {
        private final Supplier<byte[]> requests;

        private Sending(URI server, Supplier<byte[]> requests) {
            super(server);
            this.requests = requests;
        }

        @Override
        public boolean hold() {
            return exchange(requests.get(), Sending::problemOf);
        }

        private static String problemOf(KeepAliveConnection.Answer answer) {
            return switch (answer.status()) {
                case 202 -> "";
                case 207 -> answer.body().contains("\"problem\"") ? "a message of a batch was refused" : "";
                default -> "status " + answer.status();
            };
        }
    }

    private byte[] request() {
        StringBuilder body = new StringBuilder();
        if (batch) {
            body.append("<batch>");
        }
        for (int i = 0; i < size; i++) {
            body.append(message.next());
        }
        if (batch) {
            body.append("</batch>");
        }
        return (head + "Content-Length: " + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.US_ASCII);
    }

    private static String head(URI server, String authorization, boolean batch) {
        return "POST /v1/messages HTTP/1.1\r\nHost: " + server.getAuthority() + "\r\n" + authorization
                + "Content-Type: " + (batch ? "application/vnd.agentserver.batch+xml" : "application/xml") + "\r\n";
    }

    private static String unsigned() {
        return document().toEnvelope().xml();
    }

    private static EnvelopeDocument document() {
        byte[] random = new byte[RANDOM_BYTES];
        ThreadLocalRandom.current().nextBytes(random);
        Meta meta = new Meta("bench", "echo", new ThreadId(Ids.v7()), MessageId.create(), null, null, null, null);
        String payload = "<Ping><Text>" + Base64.getEncoder().encodeToString(random) + "</Text></Ping>";
        if (EnvelopeDocument.make(meta, payload) instanceof Reading.Read(EnvelopeDocument document)) {
            return document;
        }
        throw new IllegalStateException("the benchmark's own envelope is none");
    }

    private static SigningKey registered(Platform tenant) throws IOException, InterruptedException {
        try {
            KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            byte[] encoded = pair.getPublic().getEncoded();
            String x = Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length));
            tenant.registerSigningKey(
                    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"bench\",\"alg\":\"EdDSA\",\"x\":\"" + x + "\"}");
            return new SigningKey("bench", JwsAlgorithm.EdDSA, pair.getPrivate());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has Ed25519", e);
        }
    }
}
