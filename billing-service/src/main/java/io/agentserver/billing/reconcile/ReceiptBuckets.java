package io.agentserver.billing.reconcile;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiConsumer;

/**
 * Brings together what different places say of each receipt, however many receipts there are: testimonies go to files by
 * their receipt's hash, and one file at a time is read back (a Grace hash join: Kitsuregawa, Tanaka and Moto-oka, 1983). A
 * file with too many receipts is split by further bits first. In memory are never more than {@code most} receipts, some 600
 * bytes each, and {@value #BUCKETS} buffers of 8 KB for each time that a file is split; on disk some 60 bytes for each
 * testimony, and as much again of one file while that is split. Not for several threads.
 */
final class ReceiptBuckets implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ReceiptBuckets.class);
    private static final int BITS = 6;
    private static final int BUCKETS = 1 << BITS;

    private final Path directory;
    private final int most;
    private final Bucket[] buckets;
    private final List<Bucket> all = new ArrayList<>();
    private int largest;

    /** One file, which is made when something is first written to it. */
    private static final class Bucket {
        private final Path file;
        private final int depth; // how many times the hash's bits were used to get here
        private DataOutputStream out = new DataOutputStream(java.io.OutputStream.nullOutputStream());
        private boolean open;

        Bucket(Path file, int depth) {
            this.file = file;
            this.depth = depth;
        }

        void write(Testimony testimony) throws IOException {
            if (!open) {
                out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)));
                open = true;
            }
            testimony.write(out);
        }

        void finish() throws IOException {
            out.close();
        }
    }

    /**
     * @param parent where the files are until this is closed
     * @param most receipts in memory at once; at least 1
     */
    ReceiptBuckets(Path parent, int most) {
        this.most = most;
        try {
            this.directory = Files.createTempDirectory(parent, "reconcile-");
        } catch (IOException e) {
            throw new UncheckedIOException("no temporary files can be made in " + parent, e);
        }
        this.buckets = buckets("b", 1);
    }

    /** @throws UncheckedIOException if the disk is full or broken; likewise below */
    void add(Testimony testimony) {
        try {
            buckets[index(testimony.receipt(), 1)].write(testimony);
        } catch (IOException e) {
            throw new UncheckedIOException("no room for what is compared in " + directory, e);
        }
    }

    /** Each receipt once, in no order, after everything was added; only once. */
    void forEach(BiConsumer<UUID, Receipt> visitor) {
        try {
            visit(buckets, visitor);
        } catch (IOException e) {
            throw new UncheckedIOException("what is compared cannot be read in " + directory, e);
        }
    }

    /** How many receipts were in memory at most. */
    int largest() {
        return largest;
    }

    @Override
    public void close() {
        for (Bucket bucket : all) {
            try {
                bucket.finish(); // open where what is compared could not be read to its end
            } catch (IOException e) {
                LOG.debug("a file that is about to be deleted was not written to its end", e);
            }
        }
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(directory);
        } catch (IOException e) {
            throw new UncheckedIOException("temporary files are left in " + directory, e);
        }
    }

    private void visit(Bucket[] these, BiConsumer<UUID, Receipt> visitor) throws IOException {
        for (Bucket bucket : these) {
            bucket.finish();
        }
        for (Bucket bucket : these) {
            if (!bucket.open) {
                continue;
            }
            Map<UUID, Receipt> receipts = HashMap.newHashMap(Math.min(most, 1024));
            if (read(bucket, receipts)) {
                Files.delete(bucket.file);
                receipts.forEach(visitor);
            } else {
                receipts.clear();
                Bucket[] parts = split(bucket);
                Files.delete(bucket.file);
                visit(parts, visitor);
            }
        }
    }

    /** False if it has more than fit; what was read is of no use then. */
    private boolean read(Bucket bucket, Map<UUID, Receipt> receipts) throws IOException {
        boolean last = bucket.depth * BITS >= Long.SIZE; // no bits are left: nobody can make so many of one hash
        try (DataInputStream in = open(bucket)) {
            while (true) {
                Testimony testimony = Testimony.read(in);
                Receipt receipt = receipts.get(testimony.receipt());
                if (receipt == null) {
                    if (receipts.size() == most && !last) {
                        return false;
                    }
                    receipt = new Receipt();
                    receipts.put(testimony.receipt(), receipt);
                    largest = Math.max(largest, receipts.size());
                }
                receipt.add(testimony);
            }
        } catch (EOFException end) {
            return true;
        }
    }

    private Bucket[] split(Bucket bucket) throws IOException {
        Bucket[] parts = buckets(bucket.file.getFileName().toString(), bucket.depth + 1);
        try (DataInputStream in = open(bucket)) {
            while (true) {
                Testimony testimony = Testimony.read(in);
                parts[index(testimony.receipt(), bucket.depth + 1)].write(testimony);
            }
        } catch (EOFException end) {
            return parts;
        }
    }

    private Bucket[] buckets(String name, int depth) {
        Bucket[] made = new Bucket[BUCKETS];
        for (int i = 0; i < BUCKETS; i++) {
            made[i] = new Bucket(directory.resolve(name + "-" + i), depth);
            all.add(made[i]);
        }
        return made;
    }

    private static DataInputStream open(Bucket bucket) throws IOException {
        return new DataInputStream(new BufferedInputStream(Files.newInputStream(bucket.file)));
    }

    private static int index(UUID receipt, int depth) {
        return (int) (hash(receipt) >>> (Long.SIZE - BITS * Math.min(depth, Long.SIZE / BITS))) & (BUCKETS - 1);
    }

    /** The finaliser of SplitMix64 (Steele, Lea, Flood, 2014): each bit of a receipt moves each of the hash. */
    private static long hash(UUID receipt) {
        long z = receipt.getMostSignificantBits() ^ Long.rotateLeft(receipt.getLeastSignificantBits(), 32);
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
