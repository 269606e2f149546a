package io.agentserver.billing.console;

import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestAttribute;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import tools.jackson.databind.JsonNode;

import java.util.List;

/** {@code /console/{org}/organism}: the organism's document, checked and saved as the gateway's API does. */
@Controller
public final class OrganismPageEndpoint {
    private static final int UNPROCESSABLE = 422;
    private static final int PRECONDITION_FAILED = 412;
    private static final int MOST_VERSIONS = 10;

    private final Gateway gateway;

    /** An error that the gateway found, with the line it stands in, from 1. */
    record Finding(long line, String reason, String remedy) {}

    record Version(long version, String createdAt, boolean current) {}

    public OrganismPageEndpoint(Gateway gateway) {
        this.gateway = gateway;
    }

    @GetMapping("/console/{org}/organism")
    @May(Action.SEE_ORGANISM)
    String page(@RequestAttribute Visit visit, Model model) {
        Gateway.Answer current = gateway.organism(visit.tenant(), visit.may(Action.CHANGE_ORGANISM));
        model.addAttribute("yaml", current.isOk() ? current.body() : "");
        model.addAttribute("version", current.isOk() ? current.etag().replace("\"", "") : "");
        return shown(visit, model);
    }

    /** What is wrong with the text, saved or not: for htmx that alone, for a browser without scripts the whole page. */
    @PostMapping("/console/{org}/organism/check")
    @May(Action.CHANGE_ORGANISM)
    String check(
            @RequestAttribute Visit visit,
            @RequestParam String yaml,
            @RequestParam(defaultValue = "") String version,
            @RequestHeader(value = "HX-Request", required = false) @Nullable String htmx,
            Model model) {
        String text = document(yaml);
        Gateway.Answer answer = gateway.checkOrganism(visit.tenant(), text);
        judged(answer, model);
        model.addAttribute("checked", answer.isOk());
        if (htmx != null) {
            return "console/findings";
        }
        model.addAttribute("yaml", text);
        model.addAttribute("version", version);
        return shown(visit, model);
    }

    @PostMapping("/console/{org}/organism")
    @May(Action.CHANGE_ORGANISM)
    String save(
            @RequestAttribute Visit visit,
            @RequestParam String yaml,
            @RequestParam String version,
            HttpServletResponse response,
            Model model) {
        String text = document(yaml);
        Gateway.Answer answer = gateway.saveOrganism(visit.tenant(), text, digits(version));
        if (answer.isOk()) {
            Notice notice =
                    answer.etag().equals("\"" + version + "\"") ? Notice.ORGANISM_UNCHANGED : Notice.ORGANISM_SAVED;
            return "redirect:/console/" + visit.tenant() + "/organism?notice=" + notice.wireName();
        }
        response.setStatus(answer.status());
        judged(answer, model);
        model.addAttribute("yaml", text);
        model.addAttribute("version", version);
        model.addAttribute("conflict", answer.status() == PRECONDITION_FAILED);
        return shown(visit, model);
    }

    private String shown(Visit visit, Model model) {
        List<Version> versions =
                gateway.organismVersions(visit.tenant(), MOST_VERSIONS).json().path("data").values().stream()
                        .map(v -> new Version(
                                v.path("version").asLong(0),
                                v.path("created_at").asString(""),
                                v.path("current").asBoolean(false)))
                        .sorted((a, b) -> Long.compare(b.version(), a.version()))
                        .toList();
        model.addAttribute("versions", versions);
        return "console/organism";
    }

    private static void judged(Gateway.Answer answer, Model model) {
        if (answer.isOk()) {
            return;
        }
        JsonNode errors = answer.json().path("errors");
        model.addAttribute(
                "findings",
                errors.values().stream()
                        .map(e -> new Finding(
                                e.path("line").asLong(0),
                                e.path("reason").asString(""),
                                e.path("remedy").asString("")))
                        .toList());
        if (answer.status() != UNPROCESSABLE || errors.isEmpty()) {
            model.addAttribute("problem", answer.reason());
        }
    }

    /** A form ends each line with CR LF, whatever was in it (HTML, "multipart form data"); the document has LF. */
    private static String document(String yaml) {
        return yaml.replace("\r\n", "\n").replace('\r', '\n');
    }

    private static String digits(String version) {
        if (!version.matches("[0-9]{0,18}")) {
            throw new NotHere();
        }
        return version;
    }
}
