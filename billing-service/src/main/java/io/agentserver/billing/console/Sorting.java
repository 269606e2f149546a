package io.agentserver.billing.console;

/**
 * How a table is sorted, as its address says it: {@code sort=cost&dir=desc}.
 *
 * @param by a column
 */
record Sorting(String by, boolean descending) {

    static Sorting of(String by, String direction) {
        return new Sorting(by, direction.equals("desc"));
    }

    /** For {@code aria-sort}. */
    public String state(String column) {
        return by.equals(column) ? descending ? "descending" : "ascending" : "none";
    }

    /** Where a click on the column's head leads. */
    public String next(String column) {
        return by.equals(column) && descending ? "asc" : "desc";
    }

    public String direction() {
        return descending ? "desc" : "asc";
    }
}
