package io.agentserver.gateway.export;

import io.agentserver.gateway.http.Json;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A ZIP that is written as it comes: a few files of any length, and at its end {@code manifest.json}, which names them with their
 * entries and their SHA-256. One that broke off has no directory, and no reader of ZIPs opens it. Not shared between threads.
 */
final class Archive {
    private static final int BUFFER = 64 * 1024;

    private final ZipOutputStream zip;
    private final List<Map<String, Object>> files = new ArrayList<>();

    Archive(OutputStream out) {
        zip = new ZipOutputStream(new BufferedOutputStream(out, BUFFER));
    }

    /** Writes a file; how many entries it has. */
    interface File {
        long write(OutputStream out) throws IOException;
    }

    void add(String name, File file) throws IOException {
        MessageDigest sha256 = sha256();
        zip.putNextEntry(new ZipEntry(name));
        OutputStream out = new BufferedOutputStream(new DigestOutputStream(keptOpen(), sha256), BUFFER);
        long entries = file.write(out);
        out.flush();
        zip.closeEntry();
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("name", name);
        about.put("entries", entries);
        about.put("sha256", HexFormat.of().formatHex(sha256.digest()));
        files.add(about);
    }

    /** @param about what the manifest says beside the files */
    void finish(Map<String, Object> about) throws IOException {
        Map<String, Object> manifest = new LinkedHashMap<>(about);
        manifest.put("files", files);
        zip.putNextEntry(new ZipEntry("manifest.json"));
        zip.write(Json.bytes(manifest));
        zip.closeEntry();
        zip.finish();
        zip.flush();
    }

    static void line(OutputStream out, Map<String, Object> json) throws IOException {
        out.write(Json.bytes(json));
        out.write('\n');
    }

    private OutputStream keptOpen() {
        return new FilterOutputStream(zip) {
            @Override
            public void write(byte[] bytes, int from, int length) throws IOException {
                out.write(bytes, from, length); // and not byte by byte
            }

            @Override
            public void flush() {
                // the archive is flushed at its end, and when its buffer is full
            }
        };
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has it", e);
        }
    }
}
