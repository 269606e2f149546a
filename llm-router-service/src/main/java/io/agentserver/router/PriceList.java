package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Prices by {@code <provider>/<model>}; {@code <provider>/*} stands for a provider's other models, and is the operator's to
 * say ({@link #with}). A model that is in neither has no price, and is not to be called. Immutable.
 */
final class PriceList {
    private static final PriceList BUILT_IN = read();

    private final Map<String, Price> prices;
    private final Map<String, String> refused;
    private final Set<String> unpaid;

    /**
     * @param refused reasons by the names of models, or by what these begin with and an asterisk
     * @param unpaid providers that somebody else pays
     */
    private PriceList(Map<String, Price> prices, Map<String, String> refused, Set<String> unpaid) {
        this.prices = Collections.unmodifiableMap(prices);
        this.refused = Collections.unmodifiableMap(refused);
        this.unpaid = Set.copyOf(unpaid);
    }

    /** The list in this jar, {@code prices.yaml}. */
    static PriceList builtIn() {
        return BUILT_IN;
    }

    private static PriceList read() {
        try (InputStream in =
                Objects.requireNonNull(PriceList.class.getResourceAsStream("/io/agentserver/router/prices.yaml"))) {
            return parse(in);
        } catch (IOException e) {
            throw new IllegalStateException("prices.yaml of this jar cannot be read", e);
        }
    }

    /** @throws IllegalArgumentException naming the row that is wrong */
    static PriceList parse(InputStream yaml) {
        Object root = new Yaml(new SafeConstructor(new LoaderOptions())).load(yaml);
        if (!(root instanceof Map<?, ?> document) || !(document.get("models") instanceof List<?> rows)) {
            throw new IllegalArgumentException("price list: no list `models` in it");
        }
        Map<String, Price> prices = new LinkedHashMap<>();
        for (Object row : rows) {
            if (!(row instanceof Map<?, ?> columns) || !(columns.get("model") instanceof String model)) {
                throw new IllegalArgumentException("price list: a row without `model`: " + row);
            }
            requireSource(model, columns);
            Price price = new Price(
                    amount(model, columns, "input"),
                    amount(model, columns, "cached_input"),
                    amount(model, columns, "output"),
                    columns.containsKey("image") ? amount(model, columns, "image") : Price.IMAGE,
                    Boolean.TRUE.equals(columns.get("hidden_reasoning")),
                    amount(model, columns, columns.containsKey("cache_write") ? "cache_write" : "input"),
                    columns.containsKey("tool_preamble") ? amount(model, columns, "tool_preamble") : 0,
                    longer(model, columns.get("longer")));
            for (String name : names(model, columns)) {
                if (prices.put(name, price) != null) {
                    throw new IllegalArgumentException("price list: " + name + " stands there twice");
                }
            }
        }
        return new PriceList(prices, refused(document.get("refused")), Set.of());
    }

    private static Price.@Nullable Longer longer(String model, @Nullable Object row) {
        if (row == null) {
            return null;
        }
        if (!(row instanceof Map<?, ?> columns)) {
            throw new IllegalArgumentException("price list: " + model + ": longer <" + row + "> has no columns");
        }
        long input = amount(model, columns, "input");
        Price price = new Price(
                input,
                amount(model, columns, "cached_input"),
                amount(model, columns, "output"),
                Price.IMAGE,
                false,
                columns.containsKey("cache_write") ? amount(model, columns, "cache_write") : input,
                0,
                null);
        return new Price.Longer(amount(model, columns, "over"), price);
    }

    private static List<String> names(String model, Map<?, ?> columns) {
        List<String> names = new ArrayList<>(List.of(model));
        if (columns.get("also") instanceof List<?> more) {
            more.forEach(name -> names.add(String.valueOf(name)));
        }
        return names;
    }

    private static Map<String, String> refused(@Nullable Object list) {
        Map<String, String> refused = new LinkedHashMap<>();
        if (list instanceof List<?> rows) {
            for (Object row : rows) {
                if (!(row instanceof Map<?, ?> columns)
                        || !(columns.get("model") instanceof String model)
                        || !(columns.get("reason") instanceof String reason)) {
                    throw new IllegalArgumentException("price list: a refused row without `model` or `reason`: " + row);
                }
                requireSource(model, columns);
                refused.put(model, reason);
            }
        }
        return refused;
    }

    private static void requireSource(String model, Map<?, ?> columns) {
        if (!(columns.get("source") instanceof String) || !isDate(String.valueOf(columns.get("date")))) {
            throw new IllegalArgumentException(
                    "price list: " + model + ": `source` and `date` (quoted, yyyy-mm-dd) must say whence it is");
        }
    }

    /** This list with one row for all models of a provider that have none of their own: an operator's cap. */
    PriceList with(String provider, Price price) {
        Map<String, Price> more = new LinkedHashMap<>(prices);
        more.put(provider + "/*", price);
        return new PriceList(more, refused, unpaid);
    }

    /** This list with what a provider of the operator's takes for all of its models, whatever the list said of that name. */
    PriceList withAll(String provider, Price price) {
        Map<String, Price> more = new LinkedHashMap<>(prices);
        modelsOf(provider).forEach(more::remove);
        more.put(provider + "/*", price);
        return new PriceList(more, refused, unpaid);
    }

    /**
     * This list for a tenant that pays these providers itself. All of their models cost nothing then, those that are in no list
     * or that no price for tokens covers included; what the list knows of how they count stays.
     */
    PriceList unpaid(Set<String> providers) {
        return new PriceList(prices, refused, providers);
    }

    /** Why no price for tokens covers this model; empty: one does. */
    Optional<String> refuses(String provider, String model) {
        if (unpaid.contains(provider)) {
            return Optional.empty();
        }
        String name = provider + "/" + model;
        return refused.entrySet().stream()
                .filter(row -> row.getKey().endsWith("*")
                        ? name.startsWith(row.getKey().substring(0, row.getKey().length() - 1))
                        : name.equals(row.getKey()))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /** Empty: it must not be called. */
    Optional<Price> of(String provider, String model) {
        Price exact = prices.get(provider + "/" + model);
        Price listed = exact != null ? exact : prices.get(provider + "/*");
        return unpaid.contains(provider)
                ? Optional.of(listed == null ? Price.UNKNOWN_UNPAID : listed.unpaid())
                : Optional.ofNullable(listed);
    }

    boolean knows(String provider, String model) {
        return prices.containsKey(provider + "/" + model);
    }

    /** Full names of the models of a provider that have a row of their own. */
    List<String> modelsOf(String provider) {
        return prices.keySet().stream()
                .filter(name -> name.startsWith(provider + "/") && !name.endsWith("/*"))
                .toList();
    }

    private static long amount(String model, Map<?, ?> columns, String column) {
        if (columns.get(column) instanceof Number number && number.doubleValue() == number.longValue()) {
            return number.longValue();
        }
        throw new IllegalArgumentException("price list: " + model + ": " + column + " <" + columns.get(column)
                + "> is no whole number (of micro-USD for a million tokens, or of tokens)");
    }

    private static boolean isDate(String text) {
        try {
            LocalDate.parse(text);
            return true;
        } catch (DateTimeParseException notOne) {
            return false;
        }
    }
}
