package io.agentserver.shipping;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

/** .github/workflows, read strictly: nobody runs them here. */
class WorkflowsTest {
    private static final Path ROOT = Path.of("../..");
    private static final Set<String> OF_A_WORKFLOW = Set.of("name", "on", "permissions", "concurrency", "jobs");
    private static final Set<String> OF_A_JOB =
            Set.of("needs", "runs-on", "timeout-minutes", "permissions", "if", "env", "strategy", "steps");
    /** One that is another workflow has that one's limits. */
    private static final Set<String> OF_A_CALL = Set.of("needs", "permissions", "uses");

    private static final Set<String> OF_A_STEP = Set.of("id", "name", "if", "uses", "with", "run", "env");
    /** A tag can be moved by whoever takes over an action; a commit cannot. Its version stands beside it, for people. */
    private static final Pattern PINNED =
            Pattern.compile("uses: [\\w.-]+/[\\w./-]+@[0-9a-f]{40} # v\\d+\\.\\d+\\.\\d+");
    /** What a script names of ours. */
    private static final Pattern OWN_PATH = Pattern.compile("(?<![\\w/.$-])\\.{0,2}/?(?:[\\w.-]+/)*[\\w.-]*\\w");

    static Stream<Path> workflows() throws IOException {
        try (Stream<Path> files = Files.list(ROOT.resolve(".github/workflows"))) {
            return files.toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void give_each_job_its_permissions_and_a_limit(Path file) throws IOException {
        Map<String, Object> workflow = read(file);

        assertThat(workflow.keySet()).isSubsetOf(OF_A_WORKFLOW).contains("name", "on", "jobs");
        assertThat(workflow.get("permissions"))
                .as("nothing, unless a job asks for it")
                .isEqualTo(Map.of());
        assertThat(jobs(workflow)).isNotEmpty().allSatisfy((name, job) -> {
            if (job.containsKey("uses")) {
                assertThat(job.keySet()).isSubsetOf(OF_A_CALL);
                assertThat(called(job)).isRegularFile();
            } else {
                assertThat(job.keySet()).isSubsetOf(OF_A_JOB);
                assertThat(job.get("timeout-minutes")).isInstanceOf(Integer.class);
            }
            assertThat((Map<?, ?>) requireNonNull(job.get("permissions")))
                    .as("what " + name + " may")
                    .satisfies(permissions ->
                            assertThat(permissions.get("contents")).isEqualTo("read"));
        });
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void have_steps_that_use_an_action_or_run_a_script(Path file) throws IOException {
        for (Map<String, Object> step : steps(file)) {
            assertThat(step.keySet()).isSubsetOf(OF_A_STEP);
            assertThat(Stream.of("uses", "run").filter(step::containsKey))
                    .as(step.toString())
                    .hasSize(1);
        }
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void use_actions_by_their_commit(Path file) throws IOException {
        assertThat(Files.readAllLines(file).stream().map(String::strip).map(line -> line.replaceFirst("^- ", "")))
                .filteredOn(line -> line.startsWith("uses:") && !line.startsWith("uses: ./")) // ours is of this commit
                .isNotEmpty()
                .allMatch(line -> PINNED.matcher(line).matches());
    }

    /** What a pull request brings could otherwise write into a script: its title, its branch's name. */
    @ParameterizedTest
    @MethodSource("workflows")
    void put_no_expression_into_a_script(Path file) throws IOException {
        assertThat(steps(file))
                .extracting(step -> step.getOrDefault("run", ""))
                .noneMatch(run -> run.toString().contains("${{"));
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void run_what_is_there(Path file) throws IOException {
        for (Map<String, Object> step : steps(file)) {
            for (String word : step.getOrDefault("run", "").toString().split("\\s+", -1)) {
                if (OWN_PATH.matcher(word).matches() && word.contains("/") && !word.contains(".io/")) {
                    assertThat(ROOT.resolve(word)).as(step.toString()).isRegularFile();
                }
            }
        }
    }

    /** Whoever may push an image or sign in our name waits for the same commit's tests, and for nothing that lets them fail. */
    @ParameterizedTest
    @MethodSource("workflows")
    void publish_only_what_has_passed_the_tests(Path file) throws IOException {
        Map<String, Map<String, Object>> jobs = jobs(read(file));
        for (Map.Entry<String, Map<String, Object>> job : jobs.entrySet()) {
            if (!job.getValue().toString().contains("write")
                    && !job.getValue().toString().contains("publish")) {
                continue;
            }
            Set<String> before = before(job.getKey(), jobs);
            assertThat(before)
                    .as(file.getFileName() + ": what " + job.getKey() + " waits for")
                    .anyMatch(name -> isTests(requireNonNull(jobs.get(name))));
            // a condition of its own may let a job run although what it needs has failed, or was skipped
            assertThat(Stream.concat(Stream.of(job.getKey()), before.stream()))
                    .noneMatch(name -> requireNonNull(jobs.get(name)).containsKey("if"));
            assertThat(steps(job.getValue()))
                    .filteredOn(step -> String.valueOf(step.get("uses")).startsWith("actions/checkout@"))
                    .as("the commit that was tested, which is the one that a checkout takes")
                    .isNotEmpty()
                    .noneMatch(step -> String.valueOf(step.get("with")).contains("ref="));
        }
    }

    private static boolean isTests(Map<String, Object> job) {
        try {
            return job.containsKey("uses")
                    && read(called(job)).toString().contains("workflow_call")
                    && steps(called(job)).stream()
                            .anyMatch(step -> "bash .ci/run".equals(step.get("run")) && !step.containsKey("if"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Those that must have succeeded, and those that these waited for. */
    private static Set<String> before(String job, Map<String, Map<String, Object>> jobs) {
        Object needs = requireNonNull(jobs.get(job)).getOrDefault("needs", List.of());
        Set<String> all = new TreeSet<>();
        for (Object need : needs instanceof List<?> several ? several : List.of(needs)) {
            all.add(String.valueOf(need));
            all.addAll(before(String.valueOf(need), jobs));
        }
        return all;
    }

    private static Path called(Map<String, Object> job) {
        return ROOT.resolve(String.valueOf(job.get("uses")));
    }

    @Test
    void publish_every_service_s_image() throws IOException {
        assertThat(Files.readString(ROOT.resolve(".ci/publish-images")))
                .contains("for service in " + String.join(" ", Services.NAMES) + "; do");
    }

    @ParameterizedTest
    @ValueSource(strings = {"run", "base-image", "copy-jdk", "publish-images", "publish-chart"})
    void have_scripts_that_a_shell_can_read(String script) throws IOException, InterruptedException {
        Process bash = new ProcessBuilder(
                        "bash", "-n", ROOT.resolve(".ci").resolve(script).toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(bash.waitFor()).as(said).isZero();
    }

    private static List<Map<String, Object>> steps(Path file) throws IOException {
        return jobs(read(file)).values().stream()
                .flatMap(job -> steps(job).stream())
                .toList();
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> steps(Map<String, Object> job) {
        return job.containsKey("uses") ? List.of() : (List<Map<String, Object>>) requireNonNull(job.get("steps"));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Map<String, Object>> jobs(Map<String, Object> workflow) {
        return (Map<String, Map<String, Object>>) requireNonNull(workflow.get("jobs"));
    }

    /** YAML 1.1 takes the word {@code on} for true; GitHub does not. */
    private static Map<String, Object> read(Path file) throws IOException {
        LoaderOptions strict = new LoaderOptions();
        strict.setAllowDuplicateKeys(false);
        return new Yaml(strict).load(Files.readString(file).replaceFirst("(?m)^on:", "'on':"));
    }
}
