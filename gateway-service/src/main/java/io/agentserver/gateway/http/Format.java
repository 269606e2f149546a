package io.agentserver.gateway.http;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** In which of the two formats an answer goes. */
public enum Format {
    XML("application/xml"),
    JSON("application/json");

    private final String mediaType;

    Format(String mediaType) {
        this.mediaType = mediaType;
    }

    public String mediaType() {
        return mediaType;
    }

    /** What {@code Accept} (RFC 9110, 12.5.1) prefers; the usual one if it has no preference, or names neither. */
    public static Format wanted(@Nullable String accept, Format usual) {
        if (accept == null) {
            return usual;
        }
        List<Accepted> ranges = Arrays.stream(accept.toLowerCase(Locale.ROOT).split(",", -1))
                .map(Accepted::of)
                .filter(range -> range.quality() > 0)
                .sorted(Comparator.comparingDouble(Accepted::quality).reversed())
                .toList();
        for (Accepted range : ranges) {
            switch (range.type()) {
                case "application/xml", "text/xml" -> {
                    return XML;
                }
                case "application/json" -> {
                    return JSON;
                }
                case "*/*", "application/*" -> {
                    return usual;
                }
                default -> {
                    // neither format: the next one
                }
            }
        }
        return usual;
    }

    private record Accepted(String type, double quality) {
        static Accepted of(String range) {
            String[] parts = range.split(";", -1);
            double quality = 1;
            for (int i = 1; i < parts.length; i++) {
                String parameter = parts[i].strip();
                if (parameter.matches("q=(0(\\.[0-9]{0,3})?|1(\\.0{0,3})?)")) {
                    quality = Double.parseDouble(parameter.substring(2));
                }
            }
            return new Accepted(parts[0].strip(), quality);
        }
    }
}
