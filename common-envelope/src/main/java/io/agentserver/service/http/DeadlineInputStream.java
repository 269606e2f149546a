package io.agentserver.service.http;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;

/**
 * Gives up when the whole was not read within a time, however steadily its bytes drip in. The time runs from the stream's
 * making and is looked at before each read: one that already waits ends by the socket's own timeout.
 */
public final class DeadlineInputStream extends FilterInputStream {
    private final long end;

    public DeadlineInputStream(InputStream in, Duration limit) {
        super(in);
        this.end = System.nanoTime() + limit.toNanos();
    }

    @Override
    public int read() throws IOException {
        requireTime();
        return super.read();
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        requireTime();
        return super.read(into, offset, length);
    }

    private void requireTime() throws SocketTimeoutException {
        if (System.nanoTime() - end > 0) {
            throw new SocketTimeoutException("the body did not come in time");
        }
    }
}
