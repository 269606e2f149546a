package io.agentserver.billing.console.security;

import io.agentserver.billing.console.SealedCookies;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseCookie;
import org.springframework.security.oauth2.client.web.AuthorizationRequestRepository;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.web.util.WebUtils;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What the console asked the issuer, kept in a sealed cookie until the answer comes: state, nonce, PKCE's verifier. */
final class CookieAuthorizationRequests implements AuthorizationRequestRepository<OAuth2AuthorizationRequest> {
    private static final String PURPOSE = "authorization-request";
    private static final Duration LIFETIME = Duration.ofMinutes(10);
    private static final String ATTRIBUTE = "attribute.";

    private final SealedCookies cookies;
    private final boolean secure;
    private final String name;

    CookieAuthorizationRequests(SealedCookies cookies, boolean secure) {
        this.cookies = cookies;
        this.secure = secure;
        this.name = CookieSecurityContexts.name("sign-in", secure);
    }

    @Override
    public @Nullable OAuth2AuthorizationRequest loadAuthorizationRequest(HttpServletRequest request) {
        Cookie cookie = WebUtils.getCookie(request, name);
        String state = request.getParameter("state");
        return cookie == null || state == null
                ? null
                : cookies.open(PURPOSE, cookie.getValue())
                        .filter(content -> state.equals(content.get("state")))
                        .map(CookieAuthorizationRequests::request)
                        .orElse(null);
    }

    @Override
    public void saveAuthorizationRequest(
            @Nullable OAuth2AuthorizationRequest asked, HttpServletRequest request, HttpServletResponse response) {
        if (asked == null) {
            set(response, "", Duration.ZERO);
            return;
        }
        Map<String, String> content = new LinkedHashMap<>();
        put(content, "uri", asked.getAuthorizationUri());
        put(content, "client", asked.getClientId());
        put(content, "redirect", asked.getRedirectUri());
        put(content, "state", asked.getState());
        put(content, "scopes", String.join(" ", asked.getScopes())); // with openid among them it is a sign-in
        asked.getAttributes().forEach((key, value) -> put(content, ATTRIBUTE + key, value));
        set(response, cookies.seal(PURPOSE, content, LIFETIME), LIFETIME);
    }

    @Override
    public @Nullable OAuth2AuthorizationRequest removeAuthorizationRequest(
            HttpServletRequest request, HttpServletResponse response) {
        OAuth2AuthorizationRequest asked = loadAuthorizationRequest(request);
        set(response, "", Duration.ZERO);
        return asked;
    }

    private static OAuth2AuthorizationRequest request(Map<String, String> content) {
        return OAuth2AuthorizationRequest.authorizationCode()
                .authorizationUri(content.getOrDefault("uri", ""))
                .clientId(content.getOrDefault("client", ""))
                .redirectUri(content.getOrDefault("redirect", ""))
                .state(content.getOrDefault("state", ""))
                .scopes(Set.of(content.getOrDefault("scopes", "").split(" ", -1)))
                .attributes(attributes -> content.forEach((key, value) -> {
                    if (key.startsWith(ATTRIBUTE)) {
                        attributes.put(key.substring(ATTRIBUTE.length()), value);
                    }
                }))
                .build();
    }

    private static void put(Map<String, String> content, String key, @Nullable Object value) {
        if (value instanceof String text) {
            content.put(key, text);
        }
    }

    private void set(HttpServletResponse response, String value, Duration lifetime) {
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
