package io.agentserver.localstores;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Who listens on a TCP port of this machine, as far as Linux' /proc tells this user: "process 1234 (java)". Empty on
 * other systems and for processes of other users; it only makes an error message kinder.
 */
final class PortOwner {
    private static final String LISTENING = "0A";

    private PortOwner() {}

    static Optional<String> of(int port) {
        Set<String> sockets = new HashSet<>();
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
            sockets.addAll(listeners(Path.of(table), port));
        }
        if (sockets.isEmpty()) {
            return Optional.empty();
        }
        return ProcessHandle.allProcesses()
                .filter(process -> holds(process.pid(), sockets))
                .findFirst()
                .map(process -> "process " + process.pid()
                        + process.info()
                                .command()
                                .map(command -> " (" + Path.of(command).getFileName() + ")")
                                .orElse(""));
    }

    /** The socket inodes that listen on the port, in the table's format (proc(5)). */
    private static Set<String> listeners(Path table, int port) {
        Set<String> inodes = new HashSet<>();
        String wanted = ":%04X".formatted(port);
        try {
            for (String line : Files.readAllLines(table)) {
                List<String> columns = List.of(line.strip().split("\\s+", -1));
                if (columns.size() > 9
                        && columns.get(1).endsWith(wanted)
                        && columns.get(3).equals(LISTENING)) {
                    inodes.add("socket:[" + columns.get(9) + "]");
                }
            }
        } catch (IOException notLinux) {
            return Set.of();
        }
        return inodes;
    }

    private static boolean holds(long pid, Set<String> sockets) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
            for (Path descriptor : descriptors) {
                if (sockets.contains(Files.readSymbolicLink(descriptor).toString())) {
                    return true;
                }
            }
            return false;
        } catch (IOException goneOrAnotherUsers) {
            return false;
        }
    }
}
