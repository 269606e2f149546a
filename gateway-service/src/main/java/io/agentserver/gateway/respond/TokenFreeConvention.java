package io.agentserver.gateway.respond;

import io.micrometer.common.KeyValue;
import org.springframework.http.server.observation.DefaultServerRequestObservationConvention;
import org.springframework.http.server.observation.ServerRequestObservationContext;

import java.util.regex.Pattern;

/** A token in a path is a secret, and a trace is a log: whoever reads it could answer. */
public final class TokenFreeConvention extends DefaultServerRequestObservationConvention {
    /** How every JWS begins, wherever in a URL one was put. */
    private static final Pattern TOKEN = Pattern.compile("eyJ[A-Za-z0-9_%.-]*");

    @Override
    protected KeyValue httpUrl(ServerRequestObservationContext context) {
        KeyValue url = super.httpUrl(context);
        return KeyValue.of(url.getKey(), TOKEN.matcher(url.getValue()).replaceAll("{token}"));
    }
}
