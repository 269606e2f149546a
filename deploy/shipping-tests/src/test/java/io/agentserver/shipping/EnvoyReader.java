package io.agentserver.shipping;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.Any;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Message;
import com.google.protobuf.StringValue;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.util.JsonFormat;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads Envoy's YAML as Envoy does: as the JSON of a protobuf message, by Envoy's own descriptions (v3, of Envoy 1.34). A field that a
 * message does not have, a type that Envoy does not have, or a value that breaks one of {@link EnvoyRules} is an error.
 */
final class EnvoyReader {
    private static final Pattern TYPE = Pattern.compile("type\\.googleapis\\.com/([\\w.]+)");

    private EnvoyReader() {}

    static <M extends Message.Builder> M read(Path file, M into) throws IOException {
        return readText(Files.readString(file), into);
    }

    static <M extends Message.Builder> M readText(String yaml, M into) throws IOException {
        Object tree = new Yaml().load(yaml);
        String json = new ObjectMapper().writeValueAsString(tree);
        TypeRegistry.Builder types = TypeRegistry.newBuilder().add(StringValue.getDescriptor());
        Matcher type = TYPE.matcher(json);
        while (type.find()) {
            if (!type.group(1).startsWith("google.")) {
                types.add(descriptor(type.group(1)));
            }
        }
        TypeRegistry registry = types.build();
        JsonFormat.parser().usingTypeRegistry(registry).merge(json, into);
        List<String> broken = EnvoyRules.broken(into.build(), registry);
        if (!broken.isEmpty()) {
            throw new IOException(String.join("; ", broken));
        }
        return into;
    }

    /** The one of these that has this type. */
    static <M extends Message> M unpack(Iterable<Any> all, Class<M> type) throws IOException {
        for (Any one : all) {
            if (one.is(type)) {
                return one.unpack(type);
            }
        }
        throw new AssertionError("no " + type.getSimpleName());
    }

    /** A class of the library is named by its message's full name. */
    private static Descriptor descriptor(String type) throws IOException {
        try {
            return (Descriptor) Class.forName("io.envoyproxy." + type)
                    .getMethod("getDescriptor")
                    .invoke(null);
        } catch (ReflectiveOperationException e) {
            throw new IOException("Envoy has no type " + type, e);
        }
    }
}
