package io.agentserver.billing.console;

import org.thymeleaf.ITemplateEngine;
import org.thymeleaf.context.Context;
import tools.jackson.databind.json.JsonMapper;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/**
 * The gateway's server-sent events as a page takes them: a slot becomes the same HTML as on the page, all else goes through as
 * it is. Each event is sent on at once. Blocks until the gateway ends the stream, the page is left or may not be looked at.
 */
final class LiveSlots {
    private final ITemplateEngine templates;

    LiveSlots(ITemplateEngine templates) {
        this.templates = templates;
    }

    /** @param still asked before each event, a keep-alive too: whether the page's person may go on looking */
    void copy(InputStream gateway, OutputStream page, BooleanSupplier still) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(gateway, StandardCharsets.UTF_8));
        StringBuilder event = new StringBuilder();
        boolean slot = false;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.isEmpty()) {
                if (!still.getAsBoolean()) {
                    return;
                }
                page.write(event.append('\n').toString().getBytes(StandardCharsets.UTF_8));
                page.flush();
                event.setLength(0);
                slot = false;
                continue;
            }
            slot |= line.equals("event: slot");
            event.append(slot && line.startsWith("data:") ? html(line.substring(5)) : line + "\n");
        }
    }

    private String html(String json) {
        Context context = new Context(Locale.ROOT);
        context.setVariable("slot", SlotView.of(JsonMapper.shared().readTree(json)));
        return templates
                .process("console/slot", Set.of("slot"), context)
                .strip()
                .lines()
                .map(line -> "data: " + line)
                .collect(Collectors.joining("\n", "", "\n"));
    }
}
