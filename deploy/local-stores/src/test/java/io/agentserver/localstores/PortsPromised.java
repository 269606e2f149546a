package io.agentserver.localstores;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.StandardOpenOption;

/** Another process that was given all ports from one on, up to another without it; says so, and keeps them until it is ended. */
final class PortsPromised {
    private PortsPromised() {}

    public static void main(String[] range) throws IOException {
        int from = Integer.parseInt(range[0]);
        try (FileChannel promised =
                FileChannel.open(FreePorts.promised(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int port = from; port < Integer.parseInt(range[1]); port++) {
                promised.tryLock(port, 1, false); // what others hold already is promised too
            }
            System.out.write("promised\n".getBytes(StandardCharsets.UTF_8));
            System.out.flush();
            System.in.transferTo(OutputStream.nullOutputStream()); // until the parent ends
        }
    }
}
