package io.agentserver.billing.console.security;

import io.agentserver.billing.console.SealedCookies;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseCookie;
import org.springframework.web.util.WebUtils;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** One of the console's cookies whose content nobody else can read or make. Safe on any thread. */
final class SealedCookie {
    private final SealedCookies seals;
    private final String purpose;
    private final String name;
    private final boolean secure;

    /**
     * @param purpose what is sealed for another opens nothing here
     * @param name of its own among the console's
     */
    SealedCookie(SealedCookies seals, String purpose, String name, boolean secure) {
        this.seals = seals;
        this.purpose = purpose;
        this.name = name(name, secure);
        this.secure = secure;
    }

    /** With the prefix that lets no other host and no plain HTTP set it (RFC 6265bis, 4.1.3.2). */
    static String name(String of, boolean secure) {
        return (secure ? "__Host-" : "") + "console-" + of;
    }

    /** What it has; empty: it is not there, too old, or not ours. */
    Optional<Map<String, String>> open(HttpServletRequest request) {
        Cookie cookie = WebUtils.getCookie(request, name);
        return Optional.ofNullable(cookie).flatMap(found -> seals.open(purpose, found.getValue()));
    }

    void set(HttpServletResponse response, Map<String, String> content, Duration lifetime) {
        write(response, seals.seal(purpose, content, lifetime), lifetime);
    }

    void clear(HttpServletResponse response) {
        write(response, "", Duration.ZERO);
    }

    /** Lax: it must come along when the way leads back from the issuer or from a checkout. */
    private void write(HttpServletResponse response, String value, Duration lifetime) {
        response.addHeader(
                HttpHeaders.SET_COOKIE,
                ResponseCookie.from(name, value)
                        .httpOnly(true)
                        .secure(secure)
                        .sameSite("Lax")
                        .path("/")
                        .maxAge(lifetime)
                        .build()
                        .toString());
    }
}
