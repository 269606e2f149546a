package io.agentserver.standalone.faults;

import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a tenant's clients do: each sends to conversations of its own, one message after the other, with an id that it chose,
 * and repeats a message until the gateway has said yes or no. Writes down what it began and what it was told.
 */
final class Clients implements AutoCloseable {
    private static final Duration BETWEEN = Duration.ofMillis(900);
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int CANCELS_OF_HUNDRED = 4;

    private final List<URI> gateways;
    private final Org org;
    private final HttpClient http;
    private final History history;
    private final String run;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch stop = new CountDownLatch(1);

    Clients(List<String> gateways, Org org, int count, HttpClient http, History history, long seed) {
        this.gateways = gateways.stream().map(URI::create).toList();
        this.org = org;
        this.http = http;
        this.history = history;
        this.run = org.canary() + "r" + Long.toHexString(seed);
        Random seeds = new Random(seed);
        for (int i = 1; i <= count; i++) {
            String name = "client-" + i;
            Random random = new Random(seeds.nextLong());
            threads.execute(() -> new One(name, random).run());
        }
    }

    /** Returns when the last one knows what has become of its last message. */
    @Override
    public void close() {
        stop.countDown();
        threads.close();
    }

    private final class One {
        private final String name;
        private final Random random;
        private final List<ThreadId> conversations = new ArrayList<>();
        private int messages;

        One(String name, Random random) {
            this.name = name;
            this.random = random;
        }

        void run() {
            try {
                while (!stop.await(random.nextLong(2 * BETWEEN.toMillis()), TimeUnit.MILLISECONDS)) {
                    if (!conversations.isEmpty() && random.nextInt(100) < CANCELS_OF_HUNDRED) {
                        cancel(any());
                    } else {
                        send();
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private ThreadId any() {
            return conversations.get(random.nextInt(conversations.size()));
        }

        private void send() throws InterruptedException {
            MessageId id =
                    new MessageId(new UUID(random.nextLong() & ~0xf000L | 0x7000L, random.nextLong() >>> 2 | 1L << 63));
            boolean goesOn = !conversations.isEmpty() && random.nextInt(3) > 0;
            ThreadId conversation = goesOn ? any() : ThreadId.ofFirstMessage(org.tenant(), id);
            if (!goesOn) {
                conversations.add(conversation);
            }
            String text = run + name + "m" + ++messages;
            int count = 1 + random.nextInt(4);
            String both = "<Text>" + text + "</Text><Count>" + count + "</Count>";
            String all = IntStream.range(0, count).mapToObj(n -> text + "." + n).collect(Collectors.joining(","));
            switch (random.nextInt(8)) {
                case 0, 1 -> send(conversation, id, "<Say><Text>" + text + "</Text></Say>", "<Text>" + text + "<");
                case 2 ->
                    send(
                            conversation,
                            id,
                            "<Alarm><After>" + random.nextInt(4_000) + "ms</After><Text>" + text + "</Text></Alarm>",
                            "<Text>" + text + "<");
                case 3 -> send(conversation, id, "<Parcel><Text>" + text + "</Text></Parcel>", "<Text>" + text + "<");
                case 4 -> send(conversation, id, "<Race>" + both + "</Race>", ">" + text + ".");
                case 5 -> send(conversation, id, "<Work><Text>" + text + "</Text></Work>", "<Text>" + text + "<");
                case 6 -> send(conversation, id, "<File><Text>" + text + "</Text></File>", "<Text>" + text + "<");
                default -> send(conversation, id, "<Plan>" + both + "</Plan>", ">" + all + "<");
            }
        }

        private void send(ThreadId conversation, MessageId id, String payload, String answer)
                throws InterruptedException {
            write("send", History.Type.INVOKE, conversation, id.toString(), answer);
            String xml = "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta><from>" + name
                    + "</from><thread>" + conversation
                    + "</thread><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + id + "</id></meta>"
                    + payload.replaceFirst(">", " xmlns=\"\">") + "</message>";
            HttpRequest.Builder request = HttpRequest.newBuilder()
                    .header("Content-Type", "application/xml")
                    .POST(HttpRequest.BodyPublishers.ofString(xml));
            tell("send", conversation, id.toString(), "/v1/messages", request);
        }

        private void cancel(ThreadId conversation) throws InterruptedException {
            String number = "cancel-" + ++messages;
            write("cancel", History.Type.INVOKE, conversation, number, "");
            HttpRequest.Builder request = HttpRequest.newBuilder()
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.noBody());
            tell("cancel", conversation, number, "/v1/threads/" + conversation + "/cancel", request);
        }

        /** Until there is an answer that stands, each time from any gateway. */
        private void tell(String operation, ThreadId conversation, String id, String path, HttpRequest.Builder request)
                throws InterruptedException {
            request.header("Authorization", "Bearer " + org.key()).timeout(Duration.ofSeconds(10));
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            String last = "";
            int failures = 0;
            while (System.nanoTime() < deadline) {
                try {
                    URI gateway = gateways.get(random.nextInt(gateways.size()));
                    HttpResponse<String> response =
                            http.send(request.uri(gateway.resolve(path)).build(), HttpResponse.BodyHandlers.ofString());
                    int status = response.statusCode();
                    // a thread that nobody has begun yet has nothing to cancel
                    if (status < 300 || status == 404 && operation.equals("cancel")) {
                        write(
                                operation,
                                History.Type.OK,
                                conversation,
                                id,
                                status + (failures == 0 ? "" : " after " + failures + " failures, the last " + last));
                        return;
                    }
                    last = status + " " + response.body();
                    if (status < 500 && status != 429) {
                        break;
                    }
                } catch (IOException e) {
                    last = e.toString();
                }
                failures++;
                Thread.sleep(Duration.ofMillis(200 + random.nextInt(300)));
            }
            boolean refused = last.startsWith("4");
            write(operation, refused ? History.Type.FAIL : History.Type.UNKNOWN, conversation, id, last);
        }

        private void write(String operation, History.Type type, ThreadId conversation, String id, String detail) {
            history.write(name, org.tenant().value(), operation, type, conversation.toString(), id, detail);
        }
    }
}
