package io.agentserver.gateway.openapi;

import java.lang.annotation.Target;

/** An answer to a call that is not refused. Of one status there may be several, in different media types. */
@Target({})
public @interface Answer {
    int status() default 200;

    /** What it means. */
    String value();

    /** The shape of its body, by its name in {@code openapi.yaml}; empty: it has none. */
    String schema() default "";

    /** Without a meaning where there is no {@link #schema}. */
    String type() default "application/json";

    /** By their names in {@code openapi.yaml}; those that every answer has are not named. */
    String[] headers() default {};
}
