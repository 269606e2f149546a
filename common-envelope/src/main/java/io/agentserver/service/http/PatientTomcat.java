package io.agentserver.service.http;

import org.apache.catalina.Host;
import org.apache.catalina.core.StandardHost;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;

import java.time.Duration;

/**
 * Sets up a service's Tomcat: patient with slow clients, but not for ever, and with the service's own words where Tomcat
 * refuses by itself.
 */
public final class PatientTomcat implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {
    private static final Duration FOR_LEFTOVERS = Duration.ofSeconds(5);

    /**
     * Bytes that Tomcat keeps for reading, once for each connection and once more behind the room for a request's header. Its 8 KiB are
     * for nothing here: a body is read into the room that its header left over, and an idle client has nothing to read.
     */
    private static final int READ_BUFFER = 2048;

    private final ServerRefusal refusal;

    public PatientTomcat(ServerRefusal refusal) {
        this.refusal = refusal;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.setProtocol(TimedHttp11Protocol.class.getName());
        factory.addConnectorCustomizers(
                connector -> connector.setProperty("socket.appReadBufSize", String.valueOf(READ_BUFFER)));
        factory.addEngineValves(new LeftoverValve(FOR_LEFTOVERS));
        factory.addContextCustomizers(context -> {
            if (context.getParent() instanceof Host host) {
                host.getPipeline().addValve(new ServerRefusalValve(refusal));
                if (host instanceof StandardHost standard) {
                    // found in the pipeline, so that Tomcat adds none of its own behind it
                    standard.setErrorReportValveClass(ServerRefusalValve.class.getName());
                }
            }
        });
    }
}
