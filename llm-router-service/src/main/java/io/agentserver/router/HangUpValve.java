package io.agentserver.router;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;

import java.io.IOException;

/**
 * Gives each request its {@link HangUp}. The servlet API shows a client that has gone only to who writes to it, and an answer
 * in one piece is written when its model has been paid for. So the connection is read without waiting, when the whole body
 * is there: its end is the hang-up. Bytes of a next request that come early stay in Tomcat's buffer.
 */
final class HangUpValve extends ValveBase {
    private static final String ATTRIBUTE = HangUp.class.getName();

    HangUpValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        org.apache.coyote.Request coyote = request.getCoyoteRequest();
        request.setAttribute(ATTRIBUTE, new HangUp(() -> isAtItsEnd(coyote)));
        getNext().invoke(request, response);
    }

    static HangUp of(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) instanceof HangUp hangUp ? hangUp : HangUp.NEVER;
    }

    /**
     * Tomcat says that one byte can be read where reading would tell the connection's end, or its break; of a next request
     * that comes early there are more.
     */
    private static boolean isAtItsEnd(org.apache.coyote.Request coyote) {
        coyote.action(ActionCode.AVAILABLE, true);
        return coyote.getAvailable() == 1;
    }
}
