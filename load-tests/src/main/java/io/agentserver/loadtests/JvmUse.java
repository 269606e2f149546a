package io.agentserver.loadtests;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.ThreadMXBean;
import javax.management.MBeanServerConnection;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** Looks into another JVM of this machine and user, which need not be told of it beforehand. */
final class JvmUse implements AutoCloseable {
    private final JMXConnector connector;
    private final MemoryMXBean memory;
    private final ThreadMXBean threads;

    private JvmUse(JMXConnector connector, MBeanServerConnection server) throws IOException {
        this.connector = connector;
        this.memory = ManagementFactory.getPlatformMXBean(server, MemoryMXBean.class);
        this.threads = ManagementFactory.getPlatformMXBean(server, ThreadMXBean.class);
    }

    @SuppressWarnings("BanJNDI") // the address is what a process of this user on this machine has just told us
    static JvmUse of(long pid) throws IOException {
        try {
            VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
            try {
                JMXConnector connector =
                        JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()));
                return new JvmUse(connector, connector.getMBeanServerConnection());
            } finally {
                machine.detach();
            }
        } catch (AttachNotSupportedException e) {
            throw new IOException("process " + pid + " is no JVM that can be looked into", e);
        }
    }

    /** Bytes of its heap that are in use after a full collection, which it makes now. */
    long live() {
        memory.gc();
        return memory.getHeapMemoryUsage().getUsed();
    }

    /** Bytes outside of its heap: classes, compiled code. */
    long nonHeap() {
        return memory.getNonHeapMemoryUsage().getUsed();
    }

    /** Of the platform; virtual ones live in the heap, and show in {@link #live}. */
    int threads() {
        return threads.getThreadCount();
    }

    @Override
    public void close() throws IOException {
        connector.close();
    }
}
