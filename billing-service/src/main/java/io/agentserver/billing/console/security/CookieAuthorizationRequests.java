package io.agentserver.billing.console.security;

import io.agentserver.billing.console.SealedCookies;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.security.oauth2.client.web.AuthorizationRequestRepository;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What the console asked the issuer, kept in a sealed cookie until the answer comes: state, nonce, PKCE's verifier. */
final class CookieAuthorizationRequests implements AuthorizationRequestRepository<OAuth2AuthorizationRequest> {
    private static final Duration LIFETIME = Duration.ofMinutes(10);
    private static final String ATTRIBUTE = "attribute.";

    private final SealedCookie cookie;

    CookieAuthorizationRequests(SealedCookies seals, boolean secure) {
        this.cookie = new SealedCookie(seals, "authorization-request", "sign-in", secure);
    }

    @Override
    public @Nullable OAuth2AuthorizationRequest loadAuthorizationRequest(HttpServletRequest request) {
        String state = request.getParameter("state");
        return state == null
                ? null
                : cookie.open(request)
                        .filter(content -> state.equals(content.get("state")))
                        .map(CookieAuthorizationRequests::request)
                        .orElse(null);
    }

    @Override
    public void saveAuthorizationRequest(
            @Nullable OAuth2AuthorizationRequest asked, HttpServletRequest request, HttpServletResponse response) {
        if (asked == null) {
            cookie.clear(response);
            return;
        }
        Map<String, String> content = new LinkedHashMap<>();
        put(content, "uri", asked.getAuthorizationUri());
        put(content, "client", asked.getClientId());
        put(content, "redirect", asked.getRedirectUri());
        put(content, "state", asked.getState());
        put(content, "scopes", String.join(" ", asked.getScopes())); // with openid among them it is a sign-in
        asked.getAttributes().forEach((key, value) -> put(content, ATTRIBUTE + key, value));
        cookie.set(response, content, LIFETIME);
    }

    @Override
    public @Nullable OAuth2AuthorizationRequest removeAuthorizationRequest(
            HttpServletRequest request, HttpServletResponse response) {
        OAuth2AuthorizationRequest asked = loadAuthorizationRequest(request);
        cookie.clear(response);
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
}
