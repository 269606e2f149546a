package io.agentserver.organism;

/**
 * Bounds what matching an {@code xs:pattern} can cost. The JDK matches by backtracking, so that a pattern like {@code (a+)+}
 * takes for ever on a short text; a tenant's pattern runs on machines that all tenants share. In: a pattern. Out: the longest
 * text that may be matched against it within about 10^9 steps, a second or so; 0 if there is none worth having.
 *
 * <p>Counts the ways in which a text can be cut up: an open repetition gives as many as the text is long, a bounded one or an
 * alternative gives its number, and what stands one after the other multiplies. An open repetition of something that itself
 * gives more than one way is exponential and has no bound. On top of that the JDK tries each place of the text as a start.
 *
 * <p>Counts also what compiling it takes: the JDK writes {@code a{1000}} out a thousand times, sorts a class with each
 * character that is added, and follows brackets by recursion.
 */
final class PatternCost {

    private static final double BUDGET = 1e9;
    private static final int SHORTEST_USEFUL = 100;

    private static final long LARGEST = 10_000;
    private static final int DEEPEST = 50;
    private static final int MOST_OF_A_CLASS = 500;
    private static final int MOST_ESCAPES_OF_A_CLASS = 10;
    /** The ranges of characters that an escape like {@code \p{L}} stands for. */
    private static final long RANGES_OF_AN_ESCAPE = 700;

    private static final long STEPS_AN_ATOM = 2000;
    private static final long STEPS_A_PAIR_OF_A_CLASS = 150;

    private final String pattern;
    private final Ways ways;
    private int at;
    private int depth;
    private boolean exponential;
    private boolean tooLarge;
    private long classSteps;

    private PatternCost(String pattern) {
        this.pattern = pattern;
        this.ways = alternatives();
    }

    /** {@code length^degree * factor} ways, and the atoms with every number written out. */
    private record Ways(int degree, double factor, long size) {
        static final Ways ONE = new Ways(0, 1, 1);

        Ways then(Ways next) {
            return new Ways(degree + next.degree, factor * next.factor, bounded(size + next.size));
        }

        Ways or(Ways other) {
            return new Ways(Math.max(degree, other.degree), factor + other.factor, bounded(size + other.size));
        }

        boolean isOne() {
            return degree == 0 && factor == 1;
        }

        private static long bounded(long size) {
            return Math.min(size, LARGEST + 1);
        }
    }

    static PatternCost of(String pattern) {
        return new PatternCost(pattern);
    }

    /** Whether it must not even be compiled. */
    boolean isTooLarge() {
        return tooLarge || ways.size > LARGEST;
    }

    /** What compiling it takes, in steps of {@link SchemaBudget}. */
    long steps() {
        return ways.size * STEPS_AN_ATOM + classSteps;
    }

    /** What matching a text can take at most, in steps. */
    double steps(int length) {
        return ways.factor * Math.pow(Math.max(1, length), ways.degree + 1.0);
    }

    int longestText() {
        if (exponential || at < pattern.length() || ways.factor > BUDGET) {
            return 0;
        }
        if (ways.degree == 0) {
            return Integer.MAX_VALUE;
        }
        double longest = Math.pow(BUDGET / ways.factor, 1.0 / (ways.degree + 1));
        return longest < SHORTEST_USEFUL ? 0 : (int) Math.min(longest, Integer.MAX_VALUE);
    }

    private Ways alternatives() {
        Ways all = sequence();
        while (at < pattern.length() && pattern.charAt(at) == '|') {
            at++;
            all = all.or(sequence());
        }
        return all;
    }

    private Ways sequence() {
        Ways all = Ways.ONE;
        while (at < pattern.length() && pattern.charAt(at) != '|' && pattern.charAt(at) != ')') {
            all = all.then(repeated(atom()));
        }
        return all;
    }

    private Ways atom() {
        char c = pattern.charAt(at++);
        switch (c) {
            case '(' -> {
                if (++depth > DEEPEST) {
                    tooLarge = true;
                    at = pattern.length();
                    return Ways.ONE;
                }
                Ways inner = alternatives();
                depth--;
                // past the ')'; a pattern that lacks it is refused by the compiler
                at = Math.min(at + 1, pattern.length());
                return inner;
            }
            case '[' -> skipClass();
            case '\\' -> skipEscape();
            default -> {
                // a character for itself
            }
        }
        return Ways.ONE;
    }

    private void skipEscape() {
        boolean category = at < pattern.length() && (pattern.charAt(at) == 'p' || pattern.charAt(at) == 'P');
        int close = category ? pattern.indexOf('}', at) : at;
        at = close < 0 ? pattern.length() : Math.min(close + 1, pattern.length());
    }

    /** Classes nest by subtraction: {@code [a-z-[aeiou]]}. */
    private void skipClass() {
        int nested = 1;
        long members = 0;
        long escapes = 0;
        while (at < pattern.length() && nested > 0) {
            members++;
            switch (pattern.charAt(at++)) {
                case '[' -> {
                    nested++;
                    tooLarge |= nested > DEEPEST;
                }
                case ']' -> nested--;
                case '\\' -> {
                    // one like \w stands for a thousand ranges, one like \. for itself
                    escapes += at < pattern.length() && "pPwWdDsSiIcC".indexOf(pattern.charAt(at)) >= 0 ? 1 : 0;
                    skipEscape();
                }
                default -> {
                    // a member of the class
                }
            }
        }
        tooLarge |= members > MOST_OF_A_CLASS || escapes > MOST_ESCAPES_OF_A_CLASS;
        long ranges = escapes * RANGES_OF_AN_ESCAPE;
        classSteps += members * members * STEPS_A_PAIR_OF_A_CLASS + ranges * ranges;
    }

    private Ways repeated(Ways once) {
        if (at >= pattern.length()) {
            return once;
        }
        return switch (pattern.charAt(at)) {
            case '?' -> {
                at++;
                yield once.or(Ways.ONE);
            }
            case '*', '+' -> {
                at++;
                yield open(once, 1);
            }
            case '{' -> counted(once);
            default -> once;
        };
    }

    private Ways open(Ways once, long copies) {
        exponential |= !once.isOne();
        return new Ways(1, 1, Ways.bounded(once.size * copies));
    }

    private Ways counted(Ways once) {
        int close = pattern.indexOf('}', at);
        String[] bounds = close < 0
                ? new String[] {"x"}
                : pattern.substring(at + 1, close).split(",", -1);
        at = close < 0 ? pattern.length() : close + 1;
        int least = number(bounds[0]);
        if (bounds.length > 1 && bounds[1].isEmpty()) {
            return open(once, 1L + Math.max(0, least));
        }
        int most = bounds.length > 1 ? number(bounds[1]) : least;
        if (least < 0 || most < least) {
            exponential = true;
            return once;
        }
        return new Ways(
                once.degree * most,
                Math.pow(once.factor, most) * (most - least + 1),
                Ways.bounded(once.size * Math.max(1, most)));
    }

    private static int number(String digits) {
        return digits.matches("[0-9]{1,4}") ? Integer.parseInt(digits) : -1;
    }
}
