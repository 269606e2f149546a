package io.agentserver.standalone.faults;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** JSON lines, one for each thing that a client or the run began or learnt, in the order in which it did. Safe on any thread. */
final class History implements AutoCloseable {
    /** The process that strikes, as against clients. */
    static final String RUN = "run";

    enum Type {
        INVOKE,
        OK,
        FAIL,
        /** It may or may not have happened. */
        UNKNOWN
    }

    /**
     * @param operation send, cancel, or a fault
     * @param tenant whose client it was; of a fault none
     */
    record Line(
            String process,
            String tenant,
            String operation,
            Type type,
            String conversation,
            String message,
            String detail,
            long atMs,
            long nanos) {
        static Line of(JsonNode json) {
            return new Line(
                    json.path("process").stringValue(""),
                    json.path("tenant").stringValue(""),
                    json.path("operation").stringValue(""),
                    Type.valueOf(json.path("type").stringValue("")),
                    json.path("conversation").stringValue(""),
                    json.path("message").stringValue(""),
                    json.path("detail").stringValue(""),
                    json.path("at_ms").longValue(0),
                    json.path("nanos").longValue(0));
        }
    }

    private final Writer writer;

    History(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        writer = Files.newBufferedWriter(file);
    }

    static List<Line> read(Path file) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.map(line -> Line.of(JsonMapper.shared().readTree(line)))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void fault(String name, Type type, @Nullable String detail) {
        write(RUN, "", name, type, "", "", detail == null ? "" : detail);
    }

    synchronized void write(
            String process,
            String tenant,
            String operation,
            Type type,
            String conversation,
            String message,
            String detail) {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        json.put("process", process)
                .put("tenant", tenant)
                .put("operation", operation)
                .put("type", type.name())
                .put("conversation", conversation)
                .put("message", message)
                .put("detail", detail)
                .put("at_ms", System.currentTimeMillis())
                .put("nanos", System.nanoTime());
        try {
            writer.write(json.toString());
            writer.write('\n');
            writer.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            writer.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
