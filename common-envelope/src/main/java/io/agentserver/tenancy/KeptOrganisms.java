package io.agentserver.tenancy;

import io.agentserver.envelope.TenantId;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The versions of the tenants' organisms that a pod keeps, zipped: of each tenant the newest, at most
 * {@link OrganismEntry#MOST_KEPT} and {@link OrganismEntry#MOST_BYTES_KEPT} bytes, and always the newest one. Every pod reads the
 * same records in the same order, so all keep the same ones. Written on the reader's thread alone; a look-up is safe on any.
 */
final class KeptOrganisms {
    private final Map<String, byte[]> zipped = new ConcurrentHashMap<>();
    private final Set<RetiredOrganism> retired = ConcurrentHashMap.newKeySet();
    /** By tenant, the bytes of each version; the reader's thread alone. */
    private final Map<TenantId, NavigableMap<Long, Integer>> sizes = new HashMap<>();

    Optional<OrganismEntry> find(TenantId tenant, long version) {
        return Optional.ofNullable(zipped.get(OrganismEntry.key(tenant, version)))
                .map(OrganismEntry::ofZip);
    }

    boolean has(TenantId tenant, long version) {
        return zipped.containsKey(OrganismEntry.key(tenant, version));
    }

    Set<Long> versions(TenantId tenant) {
        String prefix = tenant + "@";
        return zipped.keySet().stream()
                .filter(key -> key.startsWith(prefix))
                .map(key -> parse(key).version())
                .collect(Collectors.toUnmodifiableSet());
    }

    /** What was let go, and what the topic still has. */
    List<RetiredOrganism> retired() {
        return List.copyOf(retired);
    }

    /**
     * @param key as {@link OrganismEntry#key} writes it
     * @throws RuntimeException if one of the two cannot be read
     */
    void put(String key, byte[] json) {
        RetiredOrganism of = parse(key);
        byte[] zip = OrganismEntry.ofJson(json).toZip();
        zipped.put(key, zip);
        NavigableMap<Long, Integer> its = sizes.computeIfAbsent(of.tenant(), _ -> new TreeMap<>());
        its.put(of.version(), zip.length);
        retired.remove(of);
        for (long old : tooOld(its)) {
            its.remove(old);
            zipped.remove(OrganismEntry.key(of.tenant(), old));
            retired.add(new RetiredOrganism(of.tenant(), old));
        }
    }

    /** The topic has it no more. */
    void remove(String key) {
        RetiredOrganism of = parse(key);
        retired.remove(of);
        zipped.remove(key);
        sizes.computeIfPresent(of.tenant(), (tenant, its) -> {
            its.remove(of.version());
            return its.isEmpty() ? null : its;
        });
    }

    private static List<Long> tooOld(NavigableMap<Long, Integer> its) {
        List<Long> old = new ArrayList<>();
        int count = 0;
        long bytes = 0;
        for (Map.Entry<Long, Integer> version : its.descendingMap().entrySet()) {
            count++;
            bytes += version.getValue();
            if (count > 1 && (count > OrganismEntry.MOST_KEPT || bytes > OrganismEntry.MOST_BYTES_KEPT)) {
                old.add(version.getKey());
            }
        }
        return old;
    }

    private static RetiredOrganism parse(String key) {
        int at = key.lastIndexOf('@');
        return new RetiredOrganism(new TenantId(key.substring(0, at)), Long.parseLong(key.substring(at + 1)));
    }
}
