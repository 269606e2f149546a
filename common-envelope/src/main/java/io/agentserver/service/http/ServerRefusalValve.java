package io.agentserver.service.http;

import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;

/** Writes a {@link ServerRefusal} where Tomcat would write its page. */
final class ServerRefusalValve extends ErrorReportValve {
    private static final Logger LOG = LoggerFactory.getLogger(ServerRefusalValve.class);

    private final ServerRefusal refusal;

    ServerRefusalValve(ServerRefusal refusal) {
        this.refusal = refusal;
    }

    @Override
    protected void report(Request request, Response response, @Nullable Throwable thrown) {
        int status = response.getStatus();
        if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        try {
            refusal.answer(status, response);
        } catch (IOException | IllegalStateException e) {
            LOG.debug("a refused client could not be told: {}", e.toString());
        }
    }
}
