package io.agentserver.organism;

/**
 * Bounds what matching an {@code xs:pattern} can cost. The JDK matches by backtracking, so that a pattern like {@code (a+)+}
 * takes for ever on a short text; a tenant's pattern runs on machines that all tenants share. In: a pattern. Out: the longest
 * text that may be matched against it within about 10^9 steps, a second or so; 0 if there is none worth having.
 *
 * <p>Counts the ways in which a text can be cut up: an open repetition gives as many as the text is long, a bounded one or an
 * alternative gives its number, and what stands one after the other multiplies. An open repetition of something that itself
 * gives more than one way is exponential and has no bound. On top of that the JDK tries each place of the text as a start.
 */
final class PatternCost {

    private static final double BUDGET = 1e9;
    private static final int SHORTEST_USEFUL = 100;

    private final String pattern;
    private int at;
    private boolean exponential;

    private PatternCost(String pattern) {
        this.pattern = pattern;
    }

    /** {@code length^degree * factor} ways. */
    private record Ways(int degree, double factor) {
        static final Ways ONE = new Ways(0, 1);

        Ways then(Ways next) {
            return new Ways(degree + next.degree, factor * next.factor);
        }

        Ways or(Ways other) {
            return new Ways(Math.max(degree, other.degree), factor + other.factor);
        }
    }

    static int longestText(String pattern) {
        PatternCost cost = new PatternCost(pattern);
        Ways ways = cost.alternatives();
        if (cost.exponential || cost.at < pattern.length() || ways.factor > BUDGET) {
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
                Ways inner = alternatives();
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
        int depth = 1;
        while (at < pattern.length() && depth > 0) {
            switch (pattern.charAt(at++)) {
                case '[' -> depth++;
                case ']' -> depth--;
                case '\\' -> skipEscape();
                default -> {
                    // a member of the class
                }
            }
        }
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
                yield open(once);
            }
            case '{' -> counted(once);
            default -> once;
        };
    }

    private Ways open(Ways once) {
        exponential |= !once.equals(Ways.ONE);
        return new Ways(1, 1);
    }

    private Ways counted(Ways once) {
        int close = pattern.indexOf('}', at);
        String[] bounds = close < 0
                ? new String[] {"x"}
                : pattern.substring(at + 1, close).split(",", -1);
        at = close < 0 ? pattern.length() : close + 1;
        int least = number(bounds[0]);
        if (bounds.length > 1 && bounds[1].isEmpty()) {
            return open(once);
        }
        int most = bounds.length > 1 ? number(bounds[1]) : least;
        if (least < 0 || most < least) {
            exponential = true;
            return once;
        }
        return new Ways(once.degree * most, Math.pow(once.factor, most) * (most - least + 1));
    }

    private static int number(String digits) {
        return digits.matches("[0-9]{1,4}") ? Integer.parseInt(digits) : -1;
    }
}
