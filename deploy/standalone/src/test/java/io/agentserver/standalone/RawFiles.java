package io.agentserver.standalone;

import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.FileRecords;
import org.apache.kafka.common.record.Record;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * The stores' files as whoever gets hold of the disk finds them: every byte of each, also where it is written in Base64, as DynamoDB
 * Local writes an item's binary attributes, and of Kafka's segments also what their compressed batches hold.
 */
final class RawFiles {
    private RawFiles() {}

    /** Those below a directory that hold the text, as {@code <path>}; files may come and go meanwhile. */
    static List<String> holding(Path directory, String text) {
        return holding(directory, text.getBytes(StandardCharsets.UTF_8));
    }

    static List<String> holding(Path directory, byte[] wanted) {
        List<byte[]> forms = forms(wanted);
        List<String> found = new ArrayList<>();
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    if (attributes.isRegularFile() && holds(file, wanted, forms)) {
                        found.add(directory.relativize(file).toString());
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                    if (failure instanceof NoSuchFileException) {
                        return FileVisitResult.CONTINUE; // it was there when its directory was listed
                    }
                    throw failure;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
                        throws IOException {
                    if (failure == null || failure instanceof NoSuchFileException) {
                        return FileVisitResult.CONTINUE;
                    }
                    throw failure;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found.stream().sorted().toList();
    }

    /** The bytes themselves, and what Base64 makes of them wherever among other bytes they begin. */
    private static List<byte[]> forms(byte[] wanted) {
        List<byte[]> forms = new ArrayList<>();
        forms.add(wanted);
        for (int before = 0; before < 3; before++) {
            byte[] within = new byte[before + wanted.length];
            System.arraycopy(wanted, 0, within, before, wanted.length);
            byte[] encoded = Base64.getEncoder().withoutPadding().encode(within);
            // a character at either end has bits of what stands beside them
            int from = before == 0 ? 0 : before + 1;
            int to = within.length % 3 == 0 ? encoded.length : encoded.length - 1;
            forms.add(Arrays.copyOfRange(encoded, from, to));
        }
        return forms;
    }

    private static boolean holds(Path file, byte[] wanted, List<byte[]> forms) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            return forms.stream().anyMatch(form -> contains(bytes, form))
                    || file.toString().matches(".*/[^/]+-[0-9]+(\\.[0-9a-f]+-delete)?/[0-9]{20}\\.log(\\.deleted)?")
                            && segmentHolds(file, wanted);
        } catch (NoSuchFileException gone) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean segmentHolds(Path segment, byte[] wanted) throws IOException {
        try (FileRecords records = FileRecords.open(segment.toFile(), false)) {
            for (Record record : records.records()) {
                if (contains(bytes(record.key()), wanted) || contains(bytes(record.value()), wanted)) {
                    return true;
                }
                for (Header header : record.headers()) {
                    if (header.value() != null && contains(header.value(), wanted)) {
                        return true;
                    }
                }
            }
            return false;
        }
    }

    private static byte[] bytes(@Nullable ByteBuffer buffer) {
        if (buffer == null) {
            return new byte[0];
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    /** Where the first byte occurs, the rest is compared; files here have some tens of megabytes at most. */
    private static boolean contains(byte[] in, byte[] wanted) {
        for (int i = 0; i <= in.length - wanted.length; i++) {
            int at = 0;
            while (at < wanted.length && in[i + at] == wanted[at]) {
                at++;
            }
            if (at == wanted.length) {
                return true;
            }
        }
        return false;
    }
}
