package io.agentserver.service.http;

import org.apache.coyote.ErrorState;
import org.apache.coyote.Processor;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;

/**
 * Tomcat's HTTP/1.1, with a whole header due within the connection timeout, where Tomcat's own applies to each byte anew: 408;
 * and 431 (RFC 6585, 5), where Tomcat says 400, for a header that is too large or has too many fields. Tomcat makes it by its
 * name.
 */
public final class TimedHttp11Protocol extends Http11NioProtocol {
    private static final int REQUEST_TIMEOUT = 408;
    private static final int HEADER_TOO_LARGE = 431;

    @Override
    protected Processor createProcessor() {
        return new TimedProcessor(this);
    }

    private static final class TimedProcessor extends Http11Processor {
        private final TimedHttp11Protocol protocol;

        TimedProcessor(TimedHttp11Protocol protocol) {
            super(protocol, protocol.getAdapter());
            this.protocol = protocol;
        }

        @Override
        public SocketState service(SocketWrapperBase<?> socket) throws IOException {
            SocketState state = super.service(socket);
            return state == SocketState.LONG && !isAsync() && isLate() ? refuse() : state;
        }

        /** Whoever has fallen silent in a header is told, too; Tomcat would close without a word. */
        @Override
        public SocketState process(SocketWrapperBase<?> socket, SocketEvent event) throws IOException {
            boolean silent = event == SocketEvent.ERROR && socket.getError() instanceof SocketTimeoutException;
            return silent && !isAsync() && isLate() ? refuse() : super.process(socket, event);
        }

        private SocketState refuse() throws IOException {
            response.setStatus(REQUEST_TIMEOUT);
            setErrorState(ErrorState.CLOSE_CLEAN, null);
            try {
                getAdapter().service(request, response); // has it answered
            } catch (IOException e) {
                throw e;
            } catch (Exception e) {
                getLog().debug("a slow client could not be told", e);
            }
            return SocketState.CLOSED;
        }

        /** By the time since the request line's first byte. */
        private boolean isLate() {
            long begun = request.getStartTimeNanos();
            return begun >= 0
                    && System.nanoTime() - begun > TimeUnit.MILLISECONDS.toNanos(protocol.getConnectionTimeout());
        }

        /** Tomcat tells a large header by the text of its exception alone, and too many fields likewise. */
        @Override
        protected void setErrorState(ErrorState state, @Nullable Throwable cause) {
            String reason = cause == null ? null : cause.getMessage();
            if (response.getStatus() == 400
                    && reason != null
                    && (reason.contains("header is too large")
                            || reason.contains("maximum allowed number of headers"))) {
                response.setStatus(HEADER_TOO_LARGE);
            }
            super.setErrorState(state, cause);
        }
    }
}
