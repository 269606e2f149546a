package io.agentserver.buffer.backup;

import java.nio.charset.StandardCharsets;

/**
 * Names, 64 bits of the SHA-256 of each, so that those of millions of objects take some tens of megabytes. That two are taken for
 * one, and a lost one is thought to be there, is less likely than one in a million millions. Of one thread.
 */
final class NameSet {
    private static final int DIGITS = 16;
    private static final int HEXADECIMAL = 16;

    private long[] places = new long[1 << 10]; // 0: free
    private int size;

    void add(String name) {
        if (2 * size >= places.length) {
            grow();
        }
        long hash = hash(name);
        int place = place(hash);
        if (places[place] == 0) {
            places[place] = hash;
            size++;
        }
    }

    boolean contains(String name) {
        return places[place(hash(name))] != 0;
    }

    /** Where it is, or would be. */
    private int place(long hash) {
        int place = (int) hash & (places.length - 1);
        while (places[place] != 0 && places[place] != hash) {
            place = (place + 1) & (places.length - 1);
        }
        return place;
    }

    private void grow() {
        long[] before = places;
        places = new long[before.length * 2];
        for (long hash : before) {
            if (hash != 0) {
                places[place(hash)] = hash;
            }
        }
    }

    private static long hash(String name) {
        String digits = Sha256.hex(name.getBytes(StandardCharsets.UTF_8)).substring(0, DIGITS);
        return Math.max(1, Long.parseUnsignedLong(digits, HEXADECIMAL) >>> 1);
    }
}
