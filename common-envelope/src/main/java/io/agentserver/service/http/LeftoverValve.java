package io.agentserver.service.http;

import jakarta.servlet.ServletException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;
import org.apache.tomcat.util.net.ApplicationBufferHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Takes what is left of a body that was answered without being read (a request without credentials), so that the connection
 * can be used again: for a short time and up to a size, after which the connection is closed. Tomcat by itself would read on
 * for as long as bytes drip in.
 */
final class LeftoverValve extends ValveBase {
    private static final Logger LOG = LoggerFactory.getLogger(LeftoverValve.class);
    private static final int MOST_BYTES = 2 * 1024 * 1024;

    private final Duration patience;

    LeftoverValve(Duration patience) {
        super(true);
        this.patience = patience;
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        getNext().invoke(request, response);
        if (request.getContext() == null || request.isAsync() || isRead(request)) {
            return;
        }
        org.apache.coyote.Request coyote = request.getCoyoteRequest();
        if (coyote.hasExpectation()) {
            return; // the client has not sent it: Tomcat closes by itself
        }
        response.finishResponse(); // the client need not wait for this
        try {
            drain(coyote);
        } catch (IOException e) {
            LOG.debug("too slow, or gone: isRead tells", e);
        }
        if (!isRead(request)) {
            coyote.action(ActionCode.DISABLE_SWALLOW_INPUT, null); // and with it the connection is closed
        }
    }

    /** Below the servlet's stream, which is closed with the response. */
    private void drain(org.apache.coyote.Request request) throws IOException {
        Discarding into = new Discarding();
        long end = System.nanoTime() + patience.toNanos();
        long taken = 0;
        while (taken < MOST_BYTES && System.nanoTime() - end < 0) {
            int read = request.doRead(into);
            if (read < 0) {
                return;
            }
            taken += read;
        }
    }

    private static final class Discarding implements ApplicationBufferHandler {
        private ByteBuffer buffer = ByteBuffer.allocate(0);

        @Override
        public void setByteBuffer(ByteBuffer taken) {
            buffer = taken;
        }

        @Override
        public ByteBuffer getByteBuffer() {
            return buffer;
        }

        @Override
        public void expand(int size) {
            // nothing is kept
        }
    }

    private static boolean isRead(Request request) {
        AtomicBoolean read = new AtomicBoolean();
        request.getCoyoteRequest().action(ActionCode.REQUEST_BODY_FULLY_READ, read);
        return read.get();
    }
}
