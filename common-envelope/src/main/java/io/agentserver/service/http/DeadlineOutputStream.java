package io.agentserver.service.http;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Gives up when the whole was not taken within a time, however steadily its reader takes byte after byte. The time runs from the
 * stream's making and is looked at before each piece of 8 KiB: one that already waits ends by the socket's own timeout.
 */
public final class DeadlineOutputStream extends FilterOutputStream {
    private static final int PIECE = 8 * 1024;

    private final LongSupplier nanos;
    private final long end;

    public DeadlineOutputStream(OutputStream out, Duration limit) {
        this(out, limit, System::nanoTime);
    }

    DeadlineOutputStream(OutputStream out, Duration limit, LongSupplier nanos) {
        super(out);
        this.nanos = nanos;
        this.end = nanos.getAsLong() + limit.toNanos();
    }

    @Override
    public void write(int b) throws IOException {
        requireTime();
        out.write(b);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        for (int written = 0; written < length; written += PIECE) {
            requireTime();
            out.write(bytes, offset + written, Math.min(PIECE, length - written));
        }
    }

    @Override
    public void flush() throws IOException {
        requireTime();
        out.flush();
    }

    private void requireTime() throws SocketTimeoutException {
        if (nanos.getAsLong() - end > 0) {
            throw new SocketTimeoutException("the answer was not read in time");
        }
    }
}
