package io.agentserver.loadtests;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Options of the form {@code --name value}. */
final class Options {
    private final Map<String, String> values;

    private Options(Map<String, String> values) {
        this.values = values;
    }

    static Options parse(String[] arguments) {
        Map<String, String> values = new HashMap<>();
        for (int i = 0; i < arguments.length; i += 2) {
            if (!arguments[i].startsWith("--") || i + 1 == arguments.length) {
                throw new WrongArguments("<" + arguments[i] + "> is not of the form --name value");
            }
            values.put(arguments[i].substring(2), arguments[i + 1]);
        }
        return new Options(values);
    }

    Options only(String... known) {
        Set<String> unknown = new TreeSet<>(values.keySet());
        unknown.removeAll(Set.of(known));
        if (!unknown.isEmpty()) {
            throw new WrongArguments("unknown options " + unknown + "; known: " + new TreeSet<>(Set.of(known)));
        }
        return this;
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    String text(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new WrongArguments("--" + name + " is missing");
        }
        return value;
    }

    /** 0 or more. */
    double fraction(String name, double otherwise) {
        @Nullable String value = values.get(name);
        if (value == null) {
            return otherwise;
        }
        try {
            double fraction = Double.parseDouble(value);
            if (fraction >= 0) {
                return fraction;
            }
        } catch (NumberFormatException e) {
            // the same answer as for one below 0
        }
        throw new WrongArguments("--" + name + " " + value + ": write a number from 0 on");
    }

    int number(String name, int otherwise) {
        @Nullable String value = values.get(name);
        if (value == null) {
            return otherwise;
        }
        try {
            int number = Integer.parseInt(value);
            if (number > 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // the same answer as for a number that is too small
        }
        throw new WrongArguments("--" + name + " " + value + ": write a number above 0");
    }
}
