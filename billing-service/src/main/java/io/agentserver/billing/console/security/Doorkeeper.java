package io.agentserver.billing.console.security;

import io.agentserver.billing.console.May;
import io.agentserver.billing.console.NotAllowed;
import io.agentserver.billing.console.NotHere;
import io.agentserver.billing.console.Orgs;
import io.agentserver.billing.console.Person;
import io.agentserver.billing.console.Visit;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.ModelAndView;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

import java.util.Map;

/**
 * Stands before every page and form of an org: who is no member sees nothing, who may not is told so. A method without a
 * {@link May} lets nobody in.
 */
public final class Doorkeeper implements HandlerInterceptor, WebMvcConfigurer {
    private static final String VISIT = "visit";

    private final Orgs orgs;

    public Doorkeeper(Orgs orgs) {
        this.orgs = orgs;
    }

    @Override
    public void addInterceptors(InterceptorRegistry interceptors) {
        interceptors.addInterceptor(this).addPathPatterns("/console/**");
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        Object org =
                request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE) instanceof Map<?, ?> variables
                        ? variables.get("org")
                        : null;
        if (org == null || !(handler instanceof HandlerMethod method)) {
            return true;
        }
        May may = method.getMethodAnnotation(May.class);
        if (may == null) {
            throw new IllegalStateException(method + " does not say who may call it");
        }
        // an org's page under a path that everybody may ask for, /console/sign-in/keys, is nobody's
        Person person = CookieSecurityContexts.person(
                        SecurityContextHolder.getContext().getAuthentication())
                .orElseThrow(NotHere::new);
        Visit visit = orgs.visit(person, String.valueOf(org)).orElseThrow(NotHere::new);
        request.setAttribute(VISIT, visit);
        if (!visit.may(may.value())) {
            throw new NotAllowed(visit, may.value());
        }
        return true;
    }

    @Override
    public void postHandle(
            HttpServletRequest request, HttpServletResponse response, Object handler, @Nullable ModelAndView page) {
        Object visit = request.getAttribute(VISIT);
        String view = page == null ? null : page.getViewName();
        if (page != null && visit != null && view != null && !view.startsWith("redirect:")) {
            page.addObject(VISIT, visit);
        }
    }

    /** Whoever is signed in; the filter chain lets nobody else come here. */
    public static Person signedIn() {
        return CookieSecurityContexts.person(SecurityContextHolder.getContext().getAuthentication())
                .orElseThrow(() -> new IllegalStateException("nobody is signed in"));
    }
}
