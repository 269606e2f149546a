package io.agentserver.billing.console.security;

import io.agentserver.billing.console.Person;
import io.agentserver.billing.console.SealedCookies;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseCookie;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.DeferredSecurityContext;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken;
import org.springframework.security.web.context.HttpRequestResponseHolder;
import org.springframework.security.web.context.SecurityContextRepository;
import org.springframework.web.util.WebUtils;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Who is signed in, kept in a sealed cookie: any pod knows them, no pod remembers them. */
public final class CookieSecurityContexts implements SecurityContextRepository {
    /** A working day; a member who is removed is out at once all the same, for membership is asked at each request. */
    static final Duration LIFETIME = Duration.ofHours(12);

    private static final String PURPOSE = "session";

    private final SealedCookies cookies;
    private final boolean secure;
    private final String name;

    public CookieSecurityContexts(SealedCookies cookies, boolean secure) {
        this.cookies = cookies;
        this.secure = secure;
        this.name = name("session", secure);
    }

    /** With the prefix that lets no other host and no plain HTTP set it (RFC 6265bis, 4.1.3.2). */
    static String name(String of, boolean secure) {
        return (secure ? "__Host-" : "") + "console-" + of;
    }

    /** Signs somebody in from now on. */
    public void signIn(Person person, HttpServletRequest request, HttpServletResponse response) {
        saveContext(new SecurityContextImpl(authentication(person)), request, response);
    }

    @Override
    @SuppressWarnings("deprecation") // the interface still asks for it
    public SecurityContext loadContext(HttpRequestResponseHolder holder) {
        return context(holder.getRequest());
    }

    @Override
    public DeferredSecurityContext loadDeferredContext(HttpServletRequest request) {
        return new DeferredSecurityContext() {
            private @Nullable SecurityContext loaded;

            @Override
            public SecurityContext get() {
                SecurityContext context = loaded;
                if (context == null) {
                    context = context(request);
                    loaded = context;
                }
                return context;
            }

            @Override
            public boolean isGenerated() {
                return get().getAuthentication() == null;
            }
        };
    }

    @Override
    public void saveContext(SecurityContext context, HttpServletRequest request, HttpServletResponse response) {
        Authentication authentication = context.getAuthentication();
        if (authentication == null) {
            set(response, "", Duration.ZERO);
            return;
        }
        Person person = person(authentication)
                .orElseThrow(() -> new IllegalStateException("signed in as nobody: " + authentication.getClass()));
        set(
                response,
                cookies.seal(PURPOSE, Map.of("email", person.email(), "name", person.name()), LIFETIME),
                LIFETIME);
    }

    @Override
    public boolean containsContext(HttpServletRequest request) {
        return signedIn(request).isPresent();
    }

    /** Empty for whoever is not signed in. */
    static Optional<Person> person(@Nullable Authentication authentication) {
        if (authentication == null) {
            return Optional.empty();
        }
        return switch (authentication.getPrincipal()) {
            case Person person -> Optional.of(person);
            case OidcUser user -> Optional.of(VerifiedUsers.person(user));
            case null, default -> Optional.empty();
        };
    }

    private SecurityContext context(HttpServletRequest request) {
        return signedIn(request)
                .<SecurityContext>map(person -> new SecurityContextImpl(authentication(person)))
                .orElseGet(SecurityContextHolder::createEmptyContext);
    }

    private Optional<Person> signedIn(HttpServletRequest request) {
        Cookie cookie = WebUtils.getCookie(request, name);
        return Optional.ofNullable(cookie)
                .flatMap(found -> cookies.open(PURPOSE, found.getValue()))
                .map(content -> new Person(content.getOrDefault("email", ""), content.getOrDefault("name", "")));
    }

    private static Authentication authentication(Person person) {
        return new PreAuthenticatedAuthenticationToken(person, "", List.of());
    }

    /** Lax: it must come along when the way leads back from the issuer or from a checkout. */
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
