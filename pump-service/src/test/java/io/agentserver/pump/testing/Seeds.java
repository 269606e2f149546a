package io.agentserver.pump.testing;

import java.util.Random;
import java.util.random.RandomGenerator;

/** Runs a test over many random inputs. A failure names its seed; {@code -Dseed=…} runs that one again, alone. */
public final class Seeds {
    private static final String MARKUP = "<>&'\"=/![]-;#x0aZ \t\r\n\u007f\u0085\u00a0\u2028\ufeff\ufffd";
    private static final String FORBIDDEN_IN_XML = "\u0000\u0008\u001f\ufffe\uffff\ud800\udc00";

    @FunctionalInterface
    public interface Property {
        void holds(Random random) throws Exception;
    }

    private Seeds() {}

    public static void each(int tries, Property property) {
        Long again = Long.getLong("seed");
        for (int i = 0; i < (again == null ? tries : 1); i++) {
            long seed = again == null ? RandomGenerator.getDefault().nextLong() : again;
            try {
                property.holds(new Random(seed));
            } catch (Exception | AssertionError e) {
                throw new AssertionError("-Dseed=" + seed + ": " + e.getMessage(), e);
            }
        }
    }

    /** Any text; much markup, and in a third of all texts what XML forbids, halves of pairs too. */
    public static String text(Random random, int most) {
        String special = random.nextInt(3) == 0 ? MARKUP + FORBIDDEN_IN_XML : MARKUP;
        StringBuilder text = new StringBuilder();
        for (int left = random.nextInt(most + 1); left > 0; left--) {
            switch (random.nextInt(3)) {
                case 0 -> text.append(special.charAt(random.nextInt(special.length())));
                case 1 -> text.append((char) random.nextInt(0x20, 0xd800));
                default -> text.appendCodePoint(random.nextInt(0x10000, 0x110000));
            }
        }
        return text.toString();
    }
}
