package io.agentserver.billing.console.security;

import io.agentserver.billing.console.ConsoleProperties;
import io.agentserver.billing.console.SealedCookies;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.web.servlet.DelegatingFilterProxyRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.client.registration.InMemoryClientRegistrationRepository;
import org.springframework.security.oauth2.client.registration.SupplierClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AuthenticationFailureHandler;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.authentication.SimpleUrlAuthenticationSuccessHandler;
import org.springframework.security.web.csrf.CookieCsrfTokenRepository;
import org.springframework.security.web.header.writers.CrossOriginOpenerPolicyHeaderWriter.CrossOriginOpenerPolicy;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.security.web.savedrequest.NullRequestCache;

import java.util.List;

/**
 * The console's filter chain, for its own paths and no others: billing's {@code /internal}, Stripe's webhook, the management
 * port and the other services of an all-in-one never meet it. It keeps no session.
 */
@Configuration(proxyBeanMethods = false)
@EnableWebSecurity
public class ConsoleSecurityConfiguration {
    private static final Logger LOG = LoggerFactory.getLogger(ConsoleSecurityConfiguration.class);
    private static final String REGISTRATION = "oidc";
    private static final String SIGN_IN = "/console/sign-in";

    /** No script and no style but our files; no frame around us; forms go nowhere else. */
    static final String CONTENT_SECURITY_POLICY = "default-src 'none'; script-src 'self'; style-src 'self';"
            + " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    @Bean
    CookieSecurityContexts cookieSecurityContexts(SealedCookies cookies, ConsoleProperties properties) {
        return new CookieSecurityContexts(cookies, properties.isSecure());
    }

    /** Without it Spring Boot would put the chain before every path. */
    @Bean
    DelegatingFilterProxyRegistrationBean consoleSecurity() {
        DelegatingFilterProxyRegistrationBean chain =
                new DelegatingFilterProxyRegistrationBean("springSecurityFilterChain");
        chain.addUrlPatterns("/console", "/console/*");
        chain.setOrder(-100); // after the filters that make a request's context
        return chain;
    }

    @Bean
    SecurityFilterChain consoleChain(
            HttpSecurity http,
            ConsoleProperties properties,
            CookieSecurityContexts contexts,
            SealedCookies cookies,
            ClientRegistrationRepository registrations)
            throws Exception {
        http.securityMatcher("/console", "/console/**")
                .securityContext(context -> context.securityContextRepository(contexts))
                .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                .requestCache(cache -> cache.requestCache(new NullRequestCache()))
                .csrf(csrf -> csrf.csrfTokenRepository(csrfTokens(properties.isSecure())))
                .authorizeHttpRequests(
                        requests -> requests.requestMatchers("/console/assets/**", SIGN_IN, SIGN_IN + "/**")
                                .permitAll()
                                .anyRequest()
                                .authenticated())
                .exceptionHandling(refused -> refused.authenticationEntryPoint(signIn())
                        .accessDeniedHandler((request, response, denied) -> {
                            response.setStatus(HttpServletResponse.SC_FORBIDDEN);
                            request.getRequestDispatcher("/console/sign-in/stale")
                                    .forward(request, response);
                        }))
                .logout(out -> out.logoutUrl("/console/sign-out").logoutSuccessUrl(SIGN_IN + "?signed-out"))
                .headers(headers -> headers.contentSecurityPolicy(csp -> csp.policyDirectives(CONTENT_SECURITY_POLICY))
                        .referrerPolicy(referrer -> referrer.policy(ReferrerPolicy.SAME_ORIGIN))
                        .crossOriginOpenerPolicy(opener -> opener.policy(CrossOriginOpenerPolicy.SAME_ORIGIN)));
        if (properties.hasOidc()) {
            http.oauth2Login(login -> login.loginPage(SIGN_IN)
                    .authorizationEndpoint(asked -> asked.baseUri(SIGN_IN + "/with")
                            .authorizationRequestRepository(
                                    new CookieAuthorizationRequests(cookies, properties.isSecure())))
                    .redirectionEndpoint(answered -> answered.baseUri(SIGN_IN + "/code"))
                    .userInfoEndpoint(info -> info.oidcUserService(new VerifiedUsers()))
                    .authorizedClientRepository(new NoTokensKept())
                    .successHandler(new SimpleUrlAuthenticationSuccessHandler("/console"))
                    .failureHandler(failed()));
        }
        return http.build();
    }

    /** The issuer is asked for its addresses when the first person signs in: it may be away while billing starts. */
    @Bean
    ClientRegistrationRepository clientRegistrations(ConsoleProperties properties) {
        if (!properties.hasOidc()) {
            return registration -> null;
        }
        return new SupplierClientRegistrationRepository(() -> new InMemoryClientRegistrationRepository(
                List.of(ClientRegistrations.fromIssuerLocation(properties.oidcIssuer())
                        .registrationId(REGISTRATION)
                        .clientId(properties.oidcClientId())
                        .clientSecret(properties.oidcClientSecret())
                        .scope("openid", "email", "profile")
                        .redirectUri(properties.url() + "/sign-in/code")
                        .build())));
    }

    private static CookieCsrfTokenRepository csrfTokens(boolean secure) {
        CookieCsrfTokenRepository tokens = new CookieCsrfTokenRepository();
        tokens.setCookieName(SealedCookie.name("csrf", secure));
        tokens.setCookiePath("/");
        tokens.setCookieCustomizer(cookie -> cookie.secure(secure).sameSite("Strict"));
        return tokens;
    }

    /** A script's request cannot follow to another page by itself: htmx is told where the page has to go. */
    private static AuthenticationEntryPoint signIn() {
        LoginUrlAuthenticationEntryPoint page = new LoginUrlAuthenticationEntryPoint(SIGN_IN);
        return (request, response, absent) -> {
            if (request.getHeader("HX-Request") != null) {
                response.setHeader("HX-Redirect", SIGN_IN);
                response.setStatus(HttpServletResponse.SC_UNAUTHORIZED);
            } else {
                page.commence(request, response, absent);
            }
        };
    }

    private static AuthenticationFailureHandler failed() {
        return (request, response, failure) -> {
            LOG.warn("a sign-in was refused: {}", failure.toString());
            response.sendRedirect(SIGN_IN + "?error=" + reason(failure));
        };
    }

    private static String reason(AuthenticationException failure) {
        return failure instanceof OAuth2AuthenticationException refused
                        && refused.getError().getErrorCode().equals(VerifiedUsers.NOT_VERIFIED)
                ? VerifiedUsers.NOT_VERIFIED
                : "refused";
    }

    /** The console asks the issuer for nothing after the sign-in. */
    private static final class NoTokensKept implements OAuth2AuthorizedClientRepository {
        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // as the interface has it
        public <T extends OAuth2AuthorizedClient> @Nullable T loadAuthorizedClient(
                String registration, Authentication principal, HttpServletRequest request) {
            return null;
        }

        @Override
        public void saveAuthorizedClient(
                OAuth2AuthorizedClient client,
                Authentication principal,
                HttpServletRequest request,
                HttpServletResponse response) {
            // not needed
        }

        @Override
        public void removeAuthorizedClient(
                String registration,
                Authentication principal,
                HttpServletRequest request,
                HttpServletResponse response) {
            // nothing was kept
        }
    }
}
