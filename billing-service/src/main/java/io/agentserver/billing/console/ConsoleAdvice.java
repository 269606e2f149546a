package io.agentserver.billing.console;

import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.servlet.ModelAndView;
import software.amazon.awssdk.core.exception.SdkException;

/** What every page of the console shows alike, and pages instead of problem documents for whatever goes wrong. */
@ControllerAdvice(basePackageClasses = ConsoleAdvice.class)
@Order(Ordered.HIGHEST_PRECEDENCE)
public final class ConsoleAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(ConsoleAdvice.class);

    private final Assets assets;

    public ConsoleAdvice(Assets assets) {
        this.assets = assets;
    }

    @ModelAttribute("assets")
    String assets() {
        return "/console/assets/" + assets.version();
    }

    @ModelAttribute("notice")
    @Nullable
    Notice notice(@RequestParam(required = false) @Nullable String notice) {
        return Notice.of(notice);
    }

    @ExceptionHandler
    ModelAndView notHere(NotHere e) {
        return page(
                HttpStatus.NOT_FOUND, "There is nothing here", "The address is wrong, or it is not for you to see.");
    }

    @ExceptionHandler
    ModelAndView notAllowed(NotAllowed e) {
        ModelAndView page = page(
                HttpStatus.FORBIDDEN,
                "Your role does not allow this",
                "You are " + e.visit().role().label().toLowerCase(java.util.Locale.ROOT) + " in "
                        + e.visit().org().name() + ". An owner can give you another role under People.");
        page.addObject("visit", e.visit());
        return page;
    }

    @ExceptionHandler
    ModelAndView gatewayAway(Gateway.Away e, HttpServletRequest request) {
        LOG.warn("{} failed: the gateway is away", request.getRequestURI(), e);
        return page(
                HttpStatus.SERVICE_UNAVAILABLE,
                "The gateway does not answer",
                "Credit, usage and people still work. Try this page again in a moment.");
    }

    @ExceptionHandler
    ModelAndView storeAway(SdkException e, HttpServletRequest request) {
        LOG.warn("{} failed: the store is away", request.getRequestURI(), e);
        return page(HttpStatus.SERVICE_UNAVAILABLE, "The ledger cannot be read now", "Try again in a moment.");
    }

    @ExceptionHandler
    ModelAndView other(Exception e, HttpServletRequest request) {
        if (e instanceof ErrorResponse refusal && refusal.getStatusCode().is4xxClientError()) {
            return page(
                    HttpStatus.valueOf(refusal.getStatusCode().value()),
                    "This request is not understood",
                    "Go back and try again from the page itself.");
        }
        LOG.error("{} failed", request.getRequestURI(), e);
        return page(HttpStatus.INTERNAL_SERVER_ERROR, "This page failed", "It was logged. Try again, or another page.");
    }

    private ModelAndView page(HttpStatus status, String title, String text) {
        ModelAndView page = new ModelAndView("console/problem");
        page.setStatus(status);
        page.addObject("assets", assets());
        page.addObject("title", title);
        page.addObject("text", text);
        return page;
    }
}
