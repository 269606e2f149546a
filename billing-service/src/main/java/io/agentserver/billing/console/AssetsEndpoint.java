package io.agentserver.billing.console;

import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.time.Duration;

/** {@code /console/assets}: to everybody, and for a browser to keep. */
@RestController
public final class AssetsEndpoint {
    private final Assets assets;

    public AssetsEndpoint(Assets assets) {
        this.assets = assets;
    }

    /** Asked for in another version (pods are being replaced), it is given for this once. */
    @GetMapping("/console/assets/{version}/{name}")
    ResponseEntity<byte[]> file(
            @PathVariable String version,
            @PathVariable String name,
            @RequestHeader(value = HttpHeaders.ACCEPT_ENCODING, required = false) @Nullable String accepted) {
        Assets.File file = assets.find(name).orElseThrow(NotHere::new);
        boolean current = version.equals(assets.version());
        boolean gzip = accepted != null && accepted.contains("gzip");
        ResponseEntity.BodyBuilder answer = ResponseEntity.ok()
                .header(HttpHeaders.CONTENT_TYPE, file.type())
                .varyBy(HttpHeaders.ACCEPT_ENCODING)
                .cacheControl(
                        current
                                ? CacheControl.maxAge(Duration.ofDays(365))
                                        .cachePublic()
                                        .immutable()
                                : CacheControl.noStore());
        return gzip
                ? answer.header(HttpHeaders.CONTENT_ENCODING, "gzip").body(file.gzipped())
                : answer.body(file.content());
    }
}
