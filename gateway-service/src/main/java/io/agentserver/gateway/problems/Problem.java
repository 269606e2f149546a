package io.agentserver.gateway.problems;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/**
 * Why a request is refused, in words for the caller: no stack trace, no class, no path.
 *
 * @param pointer the element or member that is wrong, if it is one
 * @param errors each thing that is wrong, if there may be several
 * @param more further members of the document
 */
public record Problem(
        ProblemType type,
        String detail,
        @Nullable String pointer,
        List<Map<String, Object>> errors,
        Map<String, Object> more) {

    /** Seconds after which a caller may try again when something was away. */
    public static final int RETRY_AFTER = 2;

    /** Of {@link #more}: the seconds that this one's {@code Retry-After} says. */
    public static final String RETRY_AFTER_MEMBER = "retry_after";

    public Problem {
        errors = List.copyOf(errors);
        more = Map.copyOf(more);
    }

    public static Problem of(ProblemType type, String detail) {
        return new Problem(type, detail, null, List.of(), Map.of());
    }

    public static Problem at(ProblemType type, String pointer, String detail) {
        return new Problem(type, detail, pointer, List.of(), Map.of());
    }

    /** One and the same for every cause. */
    public static Problem unauthenticated() {
        return of(ProblemType.UNAUTHENTICATED, "send a living API key: Authorization: Bearer as_live_…");
    }

    /** One and the same for every cause. */
    public static Problem invalidSignature() {
        return of(ProblemType.INVALID_SIGNATURE, "sign the envelope's canonical form with a registered key");
    }

    /** The same for what does not exist and for what is another tenant's. */
    public static Problem notFound() {
        return of(ProblemType.NOT_FOUND, "there is no such resource");
    }

    public static Problem tooLarge(long limitBytes) {
        return of(ProblemType.TOO_LARGE, "at most " + limitBytes + " bytes are taken");
    }

    public static Problem unavailable(String detail) {
        return of(ProblemType.UNAVAILABLE, detail);
    }

    public Refusal refusal() {
        return new Refusal(this);
    }
}
