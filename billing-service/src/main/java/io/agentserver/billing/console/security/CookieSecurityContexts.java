package io.agentserver.billing.console.security;

import io.agentserver.billing.console.Person;
import io.agentserver.billing.console.SealedCookies;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.DeferredSecurityContext;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken;
import org.springframework.security.web.context.HttpRequestResponseHolder;
import org.springframework.security.web.context.SecurityContextRepository;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Who is signed in, kept in a sealed cookie: any pod knows them, no pod remembers them. */
public final class CookieSecurityContexts implements SecurityContextRepository {
    /** A working day; a member who is removed is out at once all the same, for membership is asked at each request. */
    static final Duration LIFETIME = Duration.ofHours(12);

    private final SealedCookie cookie;

    public CookieSecurityContexts(SealedCookies seals, boolean secure) {
        this.cookie = new SealedCookie(seals, "session", "session", secure);
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
            cookie.clear(response);
            return;
        }
        Person person = person(authentication)
                .orElseThrow(() -> new IllegalStateException("signed in as nobody: " + authentication.getClass()));
        cookie.set(response, Map.of("email", person.email(), "name", person.name()), LIFETIME);
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
        return cookie.open(request)
                .map(content -> new Person(content.getOrDefault("email", ""), content.getOrDefault("name", "")));
    }

    private static Authentication authentication(Person person) {
        return new PreAuthenticatedAuthenticationToken(person, "", List.of());
    }
}
