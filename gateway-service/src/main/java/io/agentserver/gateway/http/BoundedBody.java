package io.agentserver.gateway.http;

import io.agentserver.gateway.limits.BodyMemory;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.service.http.DeadlineInputStream;
import jakarta.servlet.http.HttpServletRequest;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Reads a request's body into memory, and never more of it than a limit: declared, chunked, or inflated from gzip. */
public final class BoundedBody {
    /** For the whole of it; what is silent meanwhile is ended by the connection's own timeout. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final int FIRST_PART = 512;
    /** A body that says that it is no longer comes into one part, for which memory is asked once. */
    private static final int SMALL = 2 * 1024;

    private static final int LARGEST_PART = 64 * 1024;

    private BoundedBody() {}

    /**
     * @throws io.agentserver.gateway.problems.Refusal 413 over the limit, 415 for an encoding but gzip, 400 for broken gzip, 503
     *     without memory for it
     * @throws java.net.SocketTimeoutException it did not come in time
     */
    public static byte[] read(HttpServletRequest request, long limitBytes) throws IOException {
        return read(request, limitBytes, PATIENCE);
    }

    static byte[] read(HttpServletRequest request, long limitBytes, Duration patience) throws IOException {
        if (request.getContentLengthLong() > limitBytes) {
            throw Problem.tooLarge(limitBytes).refusal();
        }
        String encoding =
                Optional.ofNullable(request.getHeader("Content-Encoding")).orElse("identity");
        BodyMemory.Share memory = BodyMemory.of(request);
        if (encoding.equals("gzip") && memory.isStrangers()) {
            // some hundred bytes would hold as much memory as the largest body
            throw Problem.of(
                            ProblemType.UNSUPPORTED_MEDIA_TYPE,
                            "a compressed body is taken with an API key alone; send it as identity")
                    .refusal();
        }
        InputStream body = new DeadlineInputStream(request.getInputStream(), patience);
        long declared = request.getContentLengthLong();
        return switch (encoding) {
            case "identity" ->
                // one more than that, so that its end is seen
                atMost(body, declared >= 0 && declared < SMALL ? (int) declared + 1 : FIRST_PART, limitBytes, memory);
            case "gzip" -> inflated(body, limitBytes, memory);
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

    private static byte[] inflated(InputStream compressed, long limitBytes, BodyMemory.Share memory)
            throws IOException {
        try (GZIPInputStream inflating = new GZIPInputStream(compressed)) {
            return atMost(inflating, FIRST_PART, limitBytes, memory);
        } catch (ZipException | EOFException e) {
            throw Problem.of(ProblemType.INVALID_REQUEST, "the body is not the gzip that its Content-Encoding says")
                    .refusal();
        }
    }

    /** Takes no more memory than what has come asks for: most that are slow have sent little. */
    private static byte[] atMost(InputStream in, int first, long limitBytes, BodyMemory.Share memory)
            throws IOException {
        List<byte[]> parts = new ArrayList<>(1);
        int size = 0;
        for (int next = first; ; next = Math.min(2 * next, LARGEST_PART)) {
            if (!memory.take(next)) {
                throw Problem.unavailable("this gateway is reading as much as it has memory for; try again")
                        .refusal();
            }
            byte[] part = in.readNBytes(next);
            memory.giveBack(next - part.length);
            size += part.length;
            if (size > limitBytes) {
                throw Problem.tooLarge(limitBytes).refusal();
            }
            parts.add(part);
            if (part.length < next) {
                return joined(parts, size);
            }
        }
    }

    private static byte[] joined(List<byte[]> parts, int size) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        ByteBuffer body = ByteBuffer.allocate(size);
        parts.forEach(body::put);
        return body.array();
    }
}
