package io.agentserver.gateway.organism;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.callers.Payer;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.organism.Organism;
import io.agentserver.service.FairGate;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantDirectory;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * {@code /v1/static/{version}/{file}}: schemas and prompts of any version of the tenant's organism, for a cache to keep for
 * ever ({@code immutable}, <a href="https://www.rfc-editor.org/rfc/rfc8246">RFC 8246</a>). Private: no shared cache may have
 * what belongs to one tenant. {@code GET /v1/listeners} names them. Where a {@link StaticDelivery} has the file, its answer sends
 * the caller there.
 */
@RestController
public final class StaticEndpoint {
    static final String PATH = "/v1/static/";

    private static final long MOST_PAST_BYTES = 8 * 1024 * 1024;

    private final Callers callers;
    private final Organisms organisms;
    private final TenantDirectory directory;
    private final DynamoTenantTable table;
    private final FairGate<Payer> processor;
    private final StaticDelivery delivery;
    private final Cache<Organism, Map<String, StaticFile>> files =
            Caffeine.newBuilder().weakKeys().maximumSize(1_000).build();
    /** Of versions that new turns do not start with any more: their text alone, by its size. */
    private final Cache<String, Map<String, StaticFile>> past = Caffeine.newBuilder()
            .maximumWeight(MOST_PAST_BYTES)
            .weigher((String key, Map<String, StaticFile> files) -> bytes(files))
            .build();

    public StaticEndpoint(
            Callers callers,
            Organisms organisms,
            TenantDirectory directory,
            DynamoTenantTable table,
            FairGate<Payer> processor,
            StaticDelivery delivery) {
        this.callers = callers;
        this.organisms = organisms;
        this.directory = directory;
        this.table = table;
        this.processor = processor;
        this.delivery = delivery;
    }

    @Call(
            id = "readStaticFile",
            does = "A schema or a prompt of any version, to be kept for ever.",
            more = "`GET /v1/listeners` names the paths. Prompts need the scope `organism:write`.",
            answers = {
                @Answer(
                        value = "The file.",
                        type = "application/xml",
                        schema = "Schema",
                        headers = {"ETag", "Cache-Control"}),
                @Answer(value = "", type = "text/plain", schema = "Prompt"),
                @Answer(status = 304, value = "The file of `If-None-Match` is this one.", headers = "ETag"),
                @Answer(
                        status = 307,
                        value = "It is at another address, for some minutes.",
                        headers = {"Location", "Cache-Control"})
            },
            problems = {ProblemType.FORBIDDEN, ProblemType.NOT_FOUND})
    @GetMapping(PATH + "{version:[0-9]{1,18}}/{file}")
    ResponseEntity<byte[]> read(
            @Param(value = "Of the organism.", example = "3", least = 1) @PathVariable long version,
            @Param(
                            value = "Its name.",
                            example =
                                    "greeter.payload.9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.xsd")
                    @PathVariable
                    String file,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization);
        if (StaticFile.isSecret(file)) {
            callers.require(authorization, Scope.ORGANISM_WRITE); // before it is known whether there is such a one
        }
        StaticFile found = files(caller, version).get(file);
        if (found == null) {
            throw Problem.notFound().refusal();
        }
        return delivery.address(caller.tenantId(), found)
                .map(StaticEndpoint::elsewhere)
                .orElseGet(() -> here(found));
    }

    /** Not to be kept: the address goes stale, and whoever lost the key is to be given no other. */
    private static ResponseEntity<byte[]> elsewhere(URI address) {
        return ResponseEntity.status(HttpStatus.TEMPORARY_REDIRECT)
                .location(address)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .build();
    }

    private static ResponseEntity<byte[]> here(StaticFile found) {
        return ResponseEntity.ok()
                .header(HttpHeaders.CACHE_CONTROL, StaticFile.CACHE_CONTROL)
                .varyBy(HttpHeaders.AUTHORIZATION) // a cache of one client with several keys
                .eTag("\"" + found.sha256() + "\"")
                .contentType(MediaType.parseMediaType(found.type()))
                .body(found.text().getBytes(StandardCharsets.UTF_8));
    }

    private Map<String, StaticFile> files(Caller caller, long version) {
        long current = caller.tenant().organismVersion();
        if (version == current) {
            return organisms
                    .current(caller.tenant())
                    .map(organism -> files.get(organism, StaticFile::of))
                    .orElse(Map.of());
        }
        // nobody has one that is yet to come, and its number is no reason to ask the table
        return version < current ? past(caller.tenantId(), version) : Map.of();
    }

    /** A key is all that it takes to ask for any number of them, so the tenant's share of the processor pays. */
    private Map<String, StaticFile> past(TenantId tenant, long version) {
        String key = OrganismEntry.key(tenant, version);
        Map<String, StaticFile> known = past.getIfPresent(key);
        if (known != null) {
            return known;
        }
        OrganismEntry entry = directory
                .organism(tenant, version)
                .or(() -> table.organism(tenant, version))
                .orElse(null);
        if (entry == null) {
            return Map.of();
        }
        Map<String, StaticFile> read = processor.inside(
                Payer.of(tenant),
                () -> organisms.read(entry).map(StaticFile::of).orElse(Map.of()));
        past.put(key, read);
        return read;
    }

    private static int bytes(Map<String, StaticFile> files) {
        return files.values().stream()
                .mapToInt(file -> 200 + file.name().length() + 2 * file.text().length()) // objects around them
                .sum();
    }
}
