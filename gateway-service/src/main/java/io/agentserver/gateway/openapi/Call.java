package io.agentserver.gateway.openapi;

import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.Scope;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * What the description of the API says of a call beyond its mapping and its parameters. Every mapped method has one, and every
 * answer in the tests is held against it.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Call {
    /** Names it among all calls, for whoever generates a client. */
    String id();

    /** In one line. */
    String does();

    /** What else there is to know; code in backticks, paragraphs with an empty line between them. */
    String more() default "";

    Access access() default Access.KEY;

    /** One of them is enough; none: any key. */
    Scope[] scopes() default {};

    /** Whether all of them are needed. */
    boolean allScopes() default false;

    Takes[] takes() default {};

    /** Whether a call without a body is taken too. */
    boolean bodyMayBeMissing() default false;

    Answer[] answers();

    /** Those beyond what follows from access, parameters and bodies ({@link Problems}). */
    ProblemType[] problems() default {};
}
