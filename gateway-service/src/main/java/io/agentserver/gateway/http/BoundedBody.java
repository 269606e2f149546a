package io.agentserver.gateway.http;

import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import jakarta.servlet.http.HttpServletRequest;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Reads a request's body into memory, and never more of it than a limit: declared, chunked, or inflated from gzip. */
public final class BoundedBody {
    private BoundedBody() {}

    /** @throws io.agentserver.gateway.problems.Refusal 413 over the limit, 415 for an encoding but gzip, 400 for broken gzip */
    public static byte[] read(HttpServletRequest request, long limitBytes) throws IOException {
        if (request.getContentLengthLong() > limitBytes) {
            throw Problem.tooLarge(limitBytes).refusal();
        }
        String encoding =
                Optional.ofNullable(request.getHeader("Content-Encoding")).orElse("identity");
        return switch (encoding) {
            case "identity" -> atMost(request.getInputStream(), limitBytes);
            case "gzip" -> inflated(request.getInputStream(), limitBytes);
            default ->
                throw Problem.of(
                                ProblemType.UNSUPPORTED_MEDIA_TYPE,
                                "the Content-Encoding is not taken; send it as identity or gzip")
                        .refusal();
        };
    }

    /** The declared media type in lower case, without parameters; empty text if there is none. */
    public static String mediaType(HttpServletRequest request) {
        String type = Optional.ofNullable(request.getContentType()).orElse("");
        int end = type.indexOf(';');
        return (end < 0 ? type : type.substring(0, end)).strip().toLowerCase(Locale.ROOT);
    }

    private static byte[] inflated(InputStream compressed, long limitBytes) throws IOException {
        try (GZIPInputStream inflating = new GZIPInputStream(compressed)) {
            return atMost(inflating, limitBytes);
        } catch (ZipException | EOFException e) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "the body is not the gzip that its Content-Encoding says")
                    .refusal();
        }
    }

    private static byte[] atMost(InputStream in, long limitBytes) throws IOException {
        byte[] body = in.readNBytes(Math.toIntExact(limitBytes) + 1);
        if (body.length > limitBytes) {
            throw Problem.tooLarge(limitBytes).refusal();
        }
        return body;
    }
}
