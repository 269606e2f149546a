package io.agentserver.service.grpc;

import io.grpc.ManagedChannelBuilder;
import io.grpc.ServerBuilder;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;

import java.util.regex.Pattern;

/**
 * Where a service's gRPC is: {@code host:port}, or {@code in-process:port} for the service of this process that listens on that
 * port. In one process a message is handed over as the object that it is: no HTTP/2, no socket, no bytes; its limits of
 * size then bind nobody.
 */
public record GrpcAddress(String text) {
    private static final String IN_PROCESS = "in-process:";
    private static final Pattern FORM = Pattern.compile("[^\\s/,:]+:[0-9]{1,5}");

    /** @throws IllegalArgumentException if it is none */
    public GrpcAddress {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException("<" + text + "> is no host:port");
        }
    }

    /** The address, inside its process, of what listens on a port. */
    public static GrpcAddress inProcess(int port) {
        return new GrpcAddress(IN_PROCESS + port);
    }

    /** A channel to it, without TLS; it connects when it is first used, and again when the connection breaks. */
    public ManagedChannelBuilder<?> channel() {
        return isInProcess()
                ? InProcessChannelBuilder.forName(text)
                        .disableRetry() // there is no connection whose loss it would hide
                : ManagedChannelBuilder.forTarget(text).usePlaintext();
    }

    /**
     * A server that only this process reaches.
     *
     * @throws IllegalStateException if it is not {@link #inProcess}
     */
    public ServerBuilder<?> server() {
        if (!isInProcess()) {
            throw new IllegalStateException(text + " is reached over the network");
        }
        return InProcessServerBuilder.forName(text);
    }

    private boolean isInProcess() {
        return text.startsWith(IN_PROCESS);
    }
}
