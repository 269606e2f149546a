package io.agentserver.gateway.openapi;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** What the description says of a parameter beyond its name, its place, its type and its default, which the code says. */
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
public @interface Param {
    /** What it is for. */
    String value();

    /** Of those in a path, and of those that are needed: what the example of the call has. */
    String example() default "";

    /** Whether the call is refused without it, though the code reads it as one that may be missing. */
    boolean needed() default false;

    long least() default Long.MIN_VALUE;

    long most() default Long.MAX_VALUE;

    String pattern() default "";

    String format() default "";

    /** All values that it may have; empty: others too. */
    String[] oneOf() default {};
}
