package io.agentserver.service.http;

import jakarta.servlet.http.HttpServletResponse;

import java.io.IOException;

/** Answers, in the service's own shape, a request that Tomcat refuses before any of the service's code has seen it. */
@FunctionalInterface
public interface ServerRefusal {
    /** @param status Tomcat's own, 400 or above; the answer may have another */
    void answer(int status, HttpServletResponse response) throws IOException;
}
