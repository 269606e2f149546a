package io.agentserver.billing.console;

import java.util.List;

/**
 * One page of a table that is read whole.
 *
 * @param rows of this page
 * @param page from 1
 * @param pages at least 1
 */
record Paged<T>(List<T> rows, int page, int pages) {
    private static final int PAGE_SIZE = 25;

    /** @param page from 1; one past the end is the last */
    static <T> Paged<T> of(List<T> all, int page) {
        int pages = Math.max(1, (all.size() + PAGE_SIZE - 1) / PAGE_SIZE);
        int current = Math.clamp(page, 1, pages);
        return new Paged<>(
                all.subList((current - 1) * PAGE_SIZE, Math.min(current * PAGE_SIZE, all.size())), current, pages);
    }
}
