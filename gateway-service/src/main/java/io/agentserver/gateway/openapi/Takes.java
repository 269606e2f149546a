package io.agentserver.gateway.openapi;

import java.lang.annotation.Target;

/** A body that a call takes. */
@Target({})
public @interface Takes {
    /** Its shape, by its name in {@code openapi.yaml}. */
    String value();

    String type() default "application/json";
}
