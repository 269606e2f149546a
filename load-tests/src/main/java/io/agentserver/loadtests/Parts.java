package io.agentserver.loadtests;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Which part of the platform a class belongs to, by the longest prefix of its name. */
record Parts(Map<String, String> byPrefix) {
    Parts {
        byPrefix = Map.copyOf(byPrefix);
    }

    /** @param text a line each: prefix, white space, part; empty lines and lines that begin with # say nothing */
    static Parts read(String text) {
        Map<String, String> byPrefix = new TreeMap<>();
        text.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .forEach(line -> {
                    String[] words = line.split("\\s+", 2);
                    if (words.length < 2) {
                        throw new WrongArguments("<" + line + "> names no part: write a prefix, a space, a part");
                    }
                    byPrefix.put(words[0], words[1]);
                });
        return new Parts(byPrefix);
    }

    /** A prefix ends where a word of the name does: {@code io.grpc} is none of {@code io.grpcish.Call}. */
    Optional<String> of(String className) {
        for (int end = className.length(); end > 0; end = lastBreak(className, end)) {
            String part = byPrefix.get(className.substring(0, end));
            if (part != null) {
                return Optional.of(part);
            }
        }
        return Optional.empty();
    }

    private static int lastBreak(String className, int end) {
        return Math.max(className.lastIndexOf('.', end - 1), className.lastIndexOf('$', end - 1));
    }
}
