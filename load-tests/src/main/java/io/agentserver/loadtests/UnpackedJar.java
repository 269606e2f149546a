package io.agentserver.loadtests;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Enumeration;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/** The class path of this process, for others that it starts: a jar of jars is unpacked into a temporary directory until it is closed. */
final class UnpackedJar implements AutoCloseable {
    private static final String CLASSES = "BOOT-INF/classes/";
    private static final String LIBRARIES = "BOOT-INF/lib/";
    private static final String CLASS_PATH = "java.class.path";

    private final @Nullable Path directory;
    private final String classPath;

    private UnpackedJar(@Nullable Path directory, String classPath) {
        this.directory = directory;
        this.classPath = classPath;
    }

    static UnpackedJar ofThisProcess() throws IOException {
        String given = System.getProperty(CLASS_PATH);
        if (given.contains(File.pathSeparator) || !given.endsWith(".jar")) {
            return new UnpackedJar(null, given);
        }
        Path directory = Files.createTempDirectory("load-tests");
        List<String> parts = new ArrayList<>(List.of(directory.resolve(CLASSES).toString()));
        try (JarFile jar = new JarFile(given)) {
            for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
                JarEntry entry = entries.nextElement();
                boolean library = entry.getName().startsWith(LIBRARIES);
                if (entry.isDirectory() || !library && !entry.getName().startsWith(CLASSES)) {
                    continue;
                }
                Path file = directory.resolve(entry.getName());
                Files.createDirectories(file.getParent());
                try (InputStream in = jar.getInputStream(entry)) {
                    Files.copy(in, file);
                }
                if (library) {
                    parts.add(file.toString());
                }
            }
        }
        return new UnpackedJar(directory, String.join(File.pathSeparator, parts));
    }

    /** From now on, for whoever asks this process for its class path. */
    void asClassPath() {
        System.setProperty(CLASS_PATH, classPath);
    }

    @Override
    public void close() throws IOException {
        if (directory != null) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
