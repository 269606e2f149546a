package io.agentserver.gateway.deletion;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How far the deletion of a tenant has come: the job's state, and in the end its receipt. It names stores and counts, and
 * nothing that the tenant had.
 *
 * @param stores in the order in which they are gone through
 * @param finishedAt when the last of them was found empty; null: not yet
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Deletion(
        String tenant,
        @JsonProperty("requested_at") Instant requestedAt,
        @JsonProperty("finished_at") @Nullable Instant finishedAt,
        List<Store> stores) {
    private static final String ID = "delete-";
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES) // another version's gateway may go on with it
            .build();

    Deletion {
        stores = List.copyOf(stores);
    }

    /**
     * One store's part.
     *
     * @param cursor where it goes on; empty: at the start
     * @param found entries that were there, all of which are deleted
     * @param left of the last look: entries that are still to go
     * @param pass what was deleted since the store was last looked through from the start
     * @param counts what else there is to say in numbers
     * @param begunAt null: not yet
     * @param refusedAt when the first part was done, and with it the store told to take nothing of the tenant; null: not yet, or not known
     * @param passBegunAt when it was last looked through from the start; null: not yet
     * @param checkedAt when all of it was looked through and nothing was found; null: not yet
     * @param kept what stays in it, and why; null: nothing
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Store(
            String store,
            String cursor,
            long found,
            long left,
            long pass,
            SortedMap<String, Long> counts,
            @JsonProperty("begun_at") @Nullable Instant begunAt,
            @JsonProperty("refused_at") @Nullable Instant refusedAt,
            @JsonProperty("pass_begun_at") @Nullable Instant passBegunAt,
            @JsonProperty("checked_at") @Nullable Instant checkedAt,
            @Nullable String kept) {
        static Store of(DeletionStep step) {
            return new Store(step.store(), "", 0, 0, 0, new TreeMap<>(), null, null, null, null, step.kept());
        }

        Store begun(Instant now) {
            return begunAt != null
                    ? this
                    : new Store(store, cursor, found, left, pass, counts, now, null, null, null, kept);
        }

        /**
         * Clean is what was looked through from its start to its end, all of it when everybody had heard that the tenant is to go: a store
         * that was away at first hears of it late.
         *
         * @param began when this part did
         * @param heard how long others may still write before they have heard of it
         */
        Store after(DeletionStep.Part part, Instant began, Duration heard, Instant now) {
            Instant passBegan = cursor.isEmpty() || passBegunAt == null ? began : passBegunAt;
            Instant refused = refusedAt != null ? refusedAt : passBegunAt == null ? now : begunAt;
            boolean mayBeLast = refused != null && !passBegan.isBefore(refused.plus(heard));
            SortedMap<String, Long> sums = new TreeMap<>(counts);
            part.counts().forEach((name, count) -> sums.merge(name, count, Long::sum));
            long freed = pass + part.freed();
            boolean looked = part.cursor().isEmpty();
            boolean clean = looked && freed == 0 && part.left() == 0 && mayBeLast;
            return new Store(
                    store,
                    part.cursor(),
                    found + part.freed(),
                    part.left(),
                    looked ? 0 : freed,
                    sums,
                    begunAt,
                    refused,
                    passBegan,
                    clean ? now : null,
                    kept);
        }
    }

    static Deletion of(TenantId tenant, Instant requestedAt, List<? extends DeletionStep> steps) {
        return new Deletion(
                tenant.value(), requestedAt, null, steps.stream().map(Store::of).toList());
    }

    static String id(TenantId tenant) {
        return ID + tenant;
    }

    /** Whose deletion the job of this id is; empty: it is none. */
    static Optional<TenantId> tenantOf(String id) {
        return id.startsWith(ID) && TenantId.isValid(id.substring(ID.length()))
                ? Optional.of(new TenantId(id.substring(ID.length())))
                : Optional.empty();
    }

    /** The index of the store that is next; empty: all are done. */
    Optional<Integer> next() {
        for (int i = 0; i < stores.size(); i++) {
            if (stores.get(i).checkedAt() == null) {
                return Optional.of(i);
            }
        }
        return Optional.empty();
    }

    Deletion with(int index, Store store, Instant now) {
        List<Store> changed = new ArrayList<>(stores);
        changed.set(index, store);
        boolean finished = changed.stream().allMatch(s -> s.checkedAt() != null);
        return new Deletion(tenant, requestedAt, finished ? now : null, changed);
    }

    /** With those stores, at its end, that whoever made it did not know: an older gateway. */
    Deletion withAll(List<? extends DeletionStep> steps) {
        List<Store> all = new ArrayList<>(stores);
        for (DeletionStep step : steps) {
            if (all.stream().noneMatch(store -> store.store().equals(step.store()))) {
                all.add(Store.of(step));
            }
        }
        return new Deletion(tenant, requestedAt, finishedAt, all);
    }

    byte[] toJson() {
        return JSON.writeValueAsBytes(this);
    }

    /** @throws tools.jackson.core.JacksonException if it is none */
    static Deletion ofJson(byte[] json) {
        return JSON.readValue(json, Deletion.class);
    }
}
