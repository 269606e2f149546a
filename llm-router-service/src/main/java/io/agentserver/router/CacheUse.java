package io.agentserver.router;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What a call's {@code Cache-Control} wants of the cache (RFC 9111, 5.2.1). */
enum CacheUse {
    FULL,
    /** {@code no-cache}: a new answer, which is kept. */
    REFRESH,
    /** {@code no-store}. */
    NONE;

    static CacheUse of(@Nullable String cacheControl) {
        if (cacheControl == null) {
            return FULL;
        }
        List<String> directives = Arrays.stream(
                        cacheControl.toLowerCase(Locale.ROOT).split(",", 20))
                .map(String::strip)
                .toList();
        if (directives.contains("no-store")) {
            return NONE;
        }
        return directives.contains("no-cache") ? REFRESH : FULL;
    }
}
