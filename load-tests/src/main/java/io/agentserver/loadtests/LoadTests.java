package io.agentserver.loadtests;

import io.agentserver.localstores.LocalStores;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** {@code main}: runs the benchmark, or reads the profile, that its first argument names. */
public final class LoadTests {
    private static final String USAGE = """
            usage: java -jar load-tests-exec.jar conversation --store <mode> --flush <policy> [--hops 1] [--clients 64]
                       [--rate 100] [--seconds 30] [--warm-up 20]
                   java -jar load-tests-exec.jar neighbours --store <mode> --flush <policy> [--rate 10] [--clients 256]
                       [--loud-rate 1000] [--seconds 30] [--warm-up 60]
                   java -jar load-tests-exec.jar new-tenants --store <mode> --flush <policy> [--tenants 20]
                   java -jar load-tests-exec.jar forgetting --store <mode> --flush <policy> [--conversations 20000]
                       [--metrics http://127.0.0.1:9082] [--rate 20] [--seconds 30]
                   java -jar load-tests-exec.jar waiting --store <mode> --flush <policy> [--messages 60000] [--pause 5]
                   java -jar load-tests-exec.jar slow-few --store <mode> --flush <policy> [--rate 300] [--seconds 30]
                       [--warm-up 60]
                   java -jar load-tests-exec.jar timers --store <mode> --flush <policy> [--rate 100] [--ahead 10] [--seconds 30]
                       [--warm-up 60]
                   java -jar load-tests-exec.jar stores --file <stores.env>
                   java -jar load-tests-exec.jar admission [--signing org|key] [--batch 1] [--limit <per second>]
                       [--connections 512] [--messages 150000 | --rate 500 --seconds 20] [--bare <url>] [--label gateway]
                   java -jar load-tests-exec.jar credit --router <url> [--rounds 10]
                   java -jar load-tests-exec.jar model --port <port> [--tokens 20] [--first-token <ms>] [--per-token <ms>]
                   java -jar load-tests-exec.jar router --target <url> --direct <url> --streaming <url> --pid <pid>
                       [--as agentserver|portkey] [--key <key>] [--model m] [--stream-model m] [--hits yes|no] [--rate 200]
                       [--clients 64] [--streams 2000] [--seconds 30] [--warm-up 30]
                   java -jar load-tests-exec.jar soak --target <url> --pid <pid> --key <key> [--model m] [--stream-model m]
                       [--rate 200] [--streams 120] [--minutes 60] [--part 5]
                   java -jar load-tests-exec.jar replay --router <url> --key <key> [--model default] [--clients 8]
                       [--calls 20000] [--tasks 2000] [--skew 1.0] [--steps 4] [--fresh 0.2] [--at-once 50] [--seed 1]
                   java -jar load-tests-exec.jar restate --ingress <url> --handler append|relay [--clients 64]
                       [--rate 100] [--seconds 30] [--warm-up 20]
                   java -jar load-tests-exec.jar postings [--tenants 8] [--batch 25] [--seconds 20] [--warm-up 10]
                   java -jar load-tests-exec.jar journal --buffer <host:port> --key <platform's keys> --redis <url>
                       [--payload 500] [--streams 64] [--length 10000] [--hot-rate 100] [--threads 10000] [--seconds 30]
                       [--warm-up 60]
                   java -jar load-tests-exec.jar envelope [--forks 2] [--iterations 5] [--seconds 1]
                   java -jar load-tests-exec.jar service [--messages 60000] [--pause 5]
                   java -jar load-tests-exec.jar console [--url http://127.0.0.1:8084/console] [--requests 1000]
                       [--warm-up 500]
                   java -jar load-tests-exec.jar call-to-console --router <url> [--console http://127.0.0.1:8084/console]
                       [--rounds 50]
                   java -jar load-tests-exec.jar startup [--runs 5]
                   java -jar load-tests-exec.jar profile --jfr <recording> [--parts <file>]
            """;

    private LoadTests() {}

    public static void main(String[] arguments) throws Exception {
        try {
            run(arguments);
        } catch (WrongArguments wrong) {
            System.err.println(wrong.getMessage());
            System.err.print(USAGE);
            System.exit(2);
        }
    }

    private static void run(String[] arguments) throws Exception {
        String name = arguments.length == 0 ? "" : arguments[0];
        String[] options = Arrays.copyOfRange(arguments, Math.min(1, arguments.length), arguments.length);
        switch (name) {
            case "conversation" -> new ConversationBench(ConversationBench.Settings.of(Options.parse(options))).run();
            case "neighbours" -> new NeighboursBench(NeighboursBench.Settings.of(Options.parse(options))).run();
            case "new-tenants" -> new NewTenantsBench(NewTenantsBench.Settings.of(Options.parse(options))).run();
            case "forgetting" -> new ForgettingBench(ForgettingBench.Settings.of(Options.parse(options))).run();
            case "waiting" -> new WaitingBench(WaitingBench.Settings.of(Options.parse(options))).run();
            case "slow-few" -> new SlowFewBench(SlowFewBench.Settings.of(Options.parse(options))).run();
            case "timers" -> new TimersBench(TimersBench.Settings.of(Options.parse(options))).run();
            case "stores" -> stores(Options.parse(options));
            case "admission" -> new AdmissionBench(AdmissionBench.Settings.of(Options.parse(options))).run();
            case "credit" -> new CreditBench(CreditBench.Settings.of(Options.parse(options))).run();
            case "model" -> model(Options.parse(options));
            case "router" -> new RouterBench(RouterBench.Settings.of(Options.parse(options))).run();
            case "soak" -> new SoakBench(SoakBench.Settings.of(Options.parse(options))).run();
            case "replay" -> new ReplayBench(ReplayBench.Settings.of(Options.parse(options))).run();
            case "restate" -> new RestateBench(RestateBench.Settings.of(Options.parse(options))).run();
            case "postings" -> {
                new PostingsBench(PostingsBench.Settings.of(Options.parse(options))).run();
                System.exit(0); // DynamoDB Local leaves a thread behind that would keep the process
            }
            case "journal" -> new JournalBench(JournalBench.Settings.of(Options.parse(options))).run();
            case "envelope" -> new EnvelopeRatios(EnvelopeRatios.Settings.of(Options.parse(options))).run();
            case "service" -> serve(Options.parse(options));
            case "console" -> new ConsoleBench(ConsoleBench.Settings.of(Options.parse(options))).run();
            case "call-to-console" ->
                new CallToConsoleBench(CallToConsoleBench.Settings.of(Options.parse(options))).run();
            case "startup" -> new StartupBench(StartupBench.Settings.of(Options.parse(options))).run();
            case "profile" -> new Profile(Profile.Settings.of(Options.parse(options))).run();
            default -> throw new WrongArguments("<" + name + "> is no command");
        }
    }

    /** Kafka, Redis and DynamoDB Local until this process ends; a file gets their addresses as settings of a service. */
    private static void stores(Options options) throws IOException, InterruptedException {
        options.only("file");
        Path file = Path.of(options.text("file"));
        LocalStores stores = LocalStores.inTemporaryDirectory();
        Runtime.getRuntime().addShutdownHook(new Thread(stores::close));
        Files.writeString(file, """
                AGENTSERVER_KAFKA=%s
                AGENTSERVER_REDIS_URL=%s
                AGENTSERVER_DYNAMODB_URL=%s
                """.formatted(stores.kafkaBootstrap(), stores.redisUrl(), stores.dynamoEndpoint()));
        System.out.println("the stores are ready; their addresses are in " + file);
        Thread.currentThread().join();
    }

    /** A model for gateways to ask, until this process ends. */
    private static void model(Options options) throws IOException, InterruptedException {
        options.only("port", "tokens", "first-token", "per-token");
        try (ModelDouble model = ModelDouble.start(options.number("port", 9_100), ModelDouble.Pace.of(options))) {
            System.out.println(model.url());
            Thread.currentThread().join();
        }
    }

    /** The slow service alone, for a peer that has no bench of ours around it. */
    private static void serve(Options options) throws Exception {
        options.only("messages", "pause");
        try (BenchService service = BenchService.start(WaitingBench.pauseOf(options))) {
            System.out.println(service.url() + "/slow");
            WaitingBench.report(service, options.number("messages", 60_000));
        }
    }
}
