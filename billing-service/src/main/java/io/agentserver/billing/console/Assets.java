package io.agentserver.billing.console;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.zip.GZIPOutputStream;

/**
 * The files that pages load: our stylesheet and script, and of the WebJars the one file of each that is needed. Read once;
 * their version, a hash over all of them, stands in their addresses, so a browser may keep them for ever.
 */
public final class Assets {
    private static final String WEBJARS = "META-INF/resources/webjars/";

    private final Map<String, File> files = new LinkedHashMap<>();
    private final String version;

    /** @param gzipped the same, for whoever takes that */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record File(String type, byte[] content, byte[] gzipped) {}

    public Assets() {
        put("console.css", "text/css; charset=utf-8", "console/assets/console.css");
        put("console.js", "text/javascript; charset=utf-8", "console/assets/console.js");
        put("favicon.svg", "image/svg+xml", "console/assets/favicon.svg");
        put("htmx.js", "text/javascript; charset=utf-8", webjar("htmx.org", "dist/htmx.min.js"));
        put("chart.js", "text/javascript; charset=utf-8", webjar("chart.js", "dist/chart.umd.min.js"));
        this.version = hash();
    }

    public String version() {
        return version;
    }

    public Optional<File> find(String name) {
        return Optional.ofNullable(files.get(name));
    }

    private void put(String name, String type, String path) {
        byte[] content = read(path);
        ByteArrayOutputStream gzipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(gzipped)) {
            out.write(content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        files.put(name, new File(type, content, gzipped.toByteArray()));
    }

    /** Its version stands in its path, and Maven wrote that into the jar. */
    private static String webjar(String name, String file) {
        Properties properties = new Properties();
        try (InputStream in = open("META-INF/maven/org.webjars.npm/" + name + "/pom.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return WEBJARS + name + "/" + properties.getProperty("version") + "/" + file;
    }

    private static byte[] read(String path) {
        try (InputStream in = open(path)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream open(String path) {
        InputStream in = Assets.class.getClassLoader().getResourceAsStream(path);
        if (in == null) {
            throw new IllegalStateException(path + " is missing from the class path");
        }
        return in;
    }

    private String hash() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            files.values().forEach(file -> digest.update(file.content()));
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
