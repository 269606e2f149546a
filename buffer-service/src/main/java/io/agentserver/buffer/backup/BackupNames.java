package io.agentserver.buffer.backup;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;

/** The keys of a backup's objects. All that is a tenant's is under {@code tenants/<tenant>/}, and under nothing else. */
public final class BackupNames {
    static final String ERASED = "erased-";
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmssSSS'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final String prefix;

    /** @param prefix of all keys; empty, or ends with {@code /} */
    public BackupNames(String prefix) {
        this.prefix = prefix;
    }

    String tenants() {
        return prefix + "tenants/";
    }

    String tenant(TenantId tenant) {
        return tenants() + tenant + "/";
    }

    String conversations(TenantId tenant) {
        return tenant(tenant) + "conversations/";
    }

    String conversation(ConversationKey key) {
        return conversations(key.tenant()) + key.conversation() + "/";
    }

    String segment(ConversationKey key, SegmentName name) {
        return conversation(key) + name.text();
    }

    /** Of a conversation that was erased then. */
    String erased(ConversationKey key, long atMs) {
        return conversation(key) + String.format(Locale.ROOT, "%s%013d", ERASED, atMs);
    }

    String manifests(TenantId tenant) {
        return tenant(tenant) + "manifests/";
    }

    /** In the order of time. */
    String manifest(TenantId tenant, long atMs, int shard, String run) {
        return manifests(tenant) + TIME.format(Instant.ofEpochMilli(atMs)) + "-"
                + String.format(Locale.ROOT, "%02d", shard) + "-" + run;
    }

    /** What comes before all manifests from then on. */
    String manifestsBefore(TenantId tenant, long atMs) {
        return manifests(tenant) + TIME.format(Instant.ofEpochMilli(atMs));
    }

    /** Whether a manifest is of a shard. */
    boolean isOfShard(TenantId tenant, String manifest, int shard) {
        String[] parts = manifest.substring(manifests(tenant).length()).split("-", -1);
        return parts.length > 1 && parts[1].equals(String.format(Locale.ROOT, "%02d", shard));
    }

    /** Whose folder it is; empty: of no tenant that there can be. */
    static Optional<TenantId> tenantOf(String folder) {
        try {
            return Optional.of(new TenantId(folder));
        } catch (IllegalArgumentException noId) {
            return Optional.empty();
        }
    }

    /** @param name below {@code conversations/}, with or without what is behind the folder; empty: of no conversation */
    static Optional<ThreadId> conversationOf(String name) {
        int slash = name.indexOf('/');
        try {
            return Optional.of(ThreadId.parse(slash < 0 ? name : name.substring(0, slash)));
        } catch (IllegalArgumentException noId) {
            return Optional.empty();
        }
    }

    String shard(int shard) {
        return prefix + "shards/" + String.format(Locale.ROOT, "%02d", shard);
    }

    /** Put to see what time it is there. */
    String clock() {
        return prefix + "clock";
    }

    String drill() {
        return prefix + "drill";
    }
}
