package io.agentserver.gateway.organism;

import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.http.BoundedBody;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.openapi.Takes;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.organism.OrganismError;
import io.agentserver.organism.OrganismParser;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantDirectory;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** {@code /v1/organism}: the tenant's document and its versions. */
@RestController
public final class OrganismEndpoint extends JsonEndpoint {
    private static final MediaType YAML = MediaType.parseMediaType("application/yaml");
    private static final int MOST = 100;
    private static final String VERSION = "^[0-9]{1,18}$";
    private static final Pattern SECRET = Pattern.compile("whsec_[A-Za-z0-9+/=_-]*");
    private static final Set<String> TAKEN = Set.of("application/yaml", "application/x-yaml", "text/yaml");

    private final Callers callers;
    private final Activation activation;
    private final TenantDirectory directory;
    private final DynamoTenantTable table;

    public OrganismEndpoint(
            Callers callers, Activation activation, TenantDirectory directory, DynamoTenantTable table) {
        this.callers = callers;
        this.activation = activation;
        this.directory = directory;
        this.table = table;
    }

    @Call(
            id = "readOrganism",
            does = "Reads the organism's document.",
            more = "Secrets of listeners are hidden from keys without the scope `organism:write`.",
            answers = {
                @Answer(value = "The document.", type = "application/yaml", schema = "Organism", headers = "ETag"),
                @Answer(status = 304, value = "The version of `If-None-Match` is the current one.", headers = "ETag")
            },
            problems = ProblemType.NOT_FOUND)
    @GetMapping("/v1/organism")
    ResponseEntity<byte[]> read(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization);
        OrganismEntry organism = directory
                .organism(caller.tenantId(), caller.tenant().organismVersion())
                .orElseThrow(() -> Problem.notFound().refusal());
        return ResponseEntity.ok()
                .contentType(YAML)
                .eTag(etag(organism.version()))
                .body(shown(organism.yaml(), caller).getBytes(StandardCharsets.UTF_8));
    }

    /** With a listener's secret anybody could call its service in our name: only who may set it sees it. */
    private static String shown(String yaml, Caller caller) {
        return caller.has(Scope.ORGANISM_WRITE) ? yaml : SECRET.matcher(yaml).replaceAll("whsec_hidden");
    }

    @Call(
            id = "activateOrganism",
            does = "Makes a document the tenant's organism, for the turns that start after it.",
            more =
                    "It is checked whole: `errors` has every error with line, reason and remedy. The same document again is the same version. A tenant has at most 20 new versions at once, and one more every 10 seconds; of all its versions the newest 100 are kept, and 1 MiB of them, zipped: a turn that began with an older one ends `failed`.",
            scopes = Scope.ORGANISM_WRITE,
            takes = @Takes(type = "application/yaml", value = "Organism"),
            answers = @Answer(value = "Its version.", schema = "OrganismVersion", headers = "ETag"),
            problems = {ProblemType.INVALID_ORGANISM, ProblemType.PRECONDITION_FAILED, ProblemType.NOT_FOUND})
    @PutMapping("/v1/organism")
    ResponseEntity<byte[]> activate(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @Param("The `ETag` of the version that is to be replaced; another one is `precondition-failed`.")
                    @RequestHeader(value = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            @Param("Only check it.") @RequestParam(name = "dry_run", defaultValue = "false") boolean dryRun,
            HttpServletRequest request)
            throws IOException {
        Caller caller = callers.require(authorization, Scope.ORGANISM_WRITE);
        if (!TAKEN.contains(BoundedBody.mediaType(request))) {
            throw Problem.of(ProblemType.UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/yaml")
                    .refusal();
        }
        String yaml = text(BoundedBody.read(request, OrganismParser.MOST_BYTES));
        return switch (activation.activate(caller.tenantId(), yaml, expected(ifMatch), dryRun)) {
            case Activation.Result.Active(long version) ->
                answer(HttpStatus.OK, Map.of(HttpHeaders.ETAG, etag(version)), Map.of("version", version));
            case Activation.Result.WouldBe(long version) -> ok(Map.of("version", version, "dry_run", true));
            case Activation.Result.Invalid(var errors) -> throw invalid(errors).refusal();
            case Activation.Result.Changed(long current) ->
                throw Problem.of(
                                ProblemType.PRECONDITION_FAILED,
                                "version " + current + " is current; read it and decide again")
                        .refusal();
            case Activation.Result.TooLarge() ->
                throw Problem.of(ProblemType.TOO_LARGE, "the document is too large even when compressed; shorten it")
                        .refusal();
            case Activation.Result.TooMany(Problem problem) -> throw problem.refusal();
            case Activation.Result.NoTenant() -> throw Problem.notFound().refusal();
        };
    }

    @Call(
            id = "listOrganismVersions",
            does = "Lists the versions of the organism, the newest first.",
            answers = @Answer(value = "A page of them.", schema = "OrganismVersions"))
    @GetMapping("/v1/organism/versions")
    ResponseEntity<byte[]> versions(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @Param(value = "Versions a page.", least = 1, most = MOST) @RequestParam(defaultValue = "50") int limit,
            @Param(value = "The `next_cursor` of the page before.", pattern = VERSION)
                    @RequestParam(required = false)
                    @Nullable
                    String cursor) {
        Caller caller = callers.require(authorization);
        if (limit < 1 || limit > MOST) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "limit: must be 1 to " + MOST)
                    .refusal();
        }
        if (cursor != null && !cursor.matches(VERSION)) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "cursor: must be the next_cursor of a page")
                    .refusal();
        }
        long current = caller.tenant().organismVersion();
        long newest = cursor == null ? current : Math.min(current, Long.parseLong(cursor) - 1);
        Map<String, Object> page = new LinkedHashMap<>();
        page.put(
                "data",
                table.versions(caller.tenantId(), newest, limit).stream()
                        .map(o -> Map.of(
                                "version",
                                o.version(),
                                "created_at",
                                o.createdAt().toString(),
                                "current",
                                o.version() == current))
                        .toList());
        if (newest > limit) {
            page.put("next_cursor", String.valueOf(newest - limit + 1));
        }
        return ok(page);
    }

    private static Problem invalid(List<OrganismError> errors) {
        List<Map<String, Object>> all = errors.stream()
                .map(e -> {
                    Map<String, Object> json = new LinkedHashMap<>();
                    json.put("line", e.line());
                    json.put("reason", e.reason());
                    json.put("remedy", e.remedy());
                    return json;
                })
                .toList();
        OrganismError first = errors.getFirst();
        return new Problem(
                ProblemType.INVALID_ORGANISM,
                errors.size() + " error(s), the first in line " + first.line() + ": " + first.reason() + "; "
                        + first.remedy(),
                null,
                all,
                Map.of());
    }

    private static @Nullable Long expected(@Nullable String ifMatch) {
        if (ifMatch == null || ifMatch.equals("*")) {
            return null;
        }
        if (!ifMatch.matches("\"[0-9]{1,18}\"")) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "If-Match takes one ETag of this resource, like \"3\"")
                    .refusal();
        }
        return Long.valueOf(ifMatch.substring(1, ifMatch.length() - 1));
    }

    private static String etag(long version) {
        return "\"" + version + "\"";
    }

    private static String text(byte[] utf8) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
        } catch (CharacterCodingException e) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "the document is not UTF-8")
                    .refusal();
        }
    }
}
