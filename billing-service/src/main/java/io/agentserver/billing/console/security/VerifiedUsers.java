package io.agentserver.billing.console.security;

import io.agentserver.billing.console.Person;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserRequest;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserService;
import org.springframework.security.oauth2.client.userinfo.OAuth2UserService;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;

import java.util.Objects;

/** Lets in whoever the issuer says has verified an e-mail address: people are let into orgs by it. */
final class VerifiedUsers implements OAuth2UserService<OidcUserRequest, OidcUser> {
    /** {@code ?error=} of the sign-in page. */
    static final String NOT_VERIFIED = "email-not-verified";

    private final OidcUserService users = new OidcUserService();

    @Override
    public OidcUser loadUser(OidcUserRequest request) {
        OidcUser user = users.loadUser(request);
        if (!Boolean.TRUE.equals(user.getEmailVerified())
                || !Person.isEmail(Person.normal(Objects.requireNonNullElse(user.getEmail(), "")))) {
            throw new OAuth2AuthenticationException(new OAuth2Error(NOT_VERIFIED));
        }
        return user;
    }

    static Person person(OidcUser user) {
        String email = Person.normal(Objects.requireNonNullElse(user.getEmail(), ""));
        String name = user.getFullName();
        return new Person(email, name == null || name.isBlank() ? email : name.strip());
    }
}
