package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Retention;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a restore would not see that it lacks: segments that manifests name and the bucket has not, of those that somebody could still
 * read. Safe on any thread.
 */
final class LostSegments {
    private final LostObjects objects;
    private final BackupBucket bucket;
    private final BackupNames names;
    private final BackupTimes times;
    private final Retention retention;
    private final Clock clock;
    private final Map<TenantId, Map<ThreadId, List<Lost>>> known = new ConcurrentHashMap<>();

    private final Set<String> unread = ConcurrentHashMap.newKeySet();

    /** @param putByMs it was in the bucket by then, and what it has was said before */
    record Lost(SegmentName name, long putByMs) {}

    LostSegments(
            LostObjects objects,
            BackupBucket bucket,
            BackupNames names,
            BackupTimes times,
            Retention retention,
            Clock clock) {
        this.objects = objects;
        this.bucket = bucket;
        this.names = names;
        this.times = times;
        this.retention = retention;
        this.clock = clock;
    }

    /** Looks for all of a tenant at once, which takes one look at each manifest and each name. */
    Collection<ThreadId> lookFor(TenantId tenant) {
        NameSet there = new NameSet();
        String folder = names.conversations(tenant);
        bucket.each(folder, (Listed object) -> {
            there.add(object.key().substring(folder.length()));
            return true;
        });
        Map<ThreadId, List<Lost>> found = byConversation(objects.of(tenant, there, sinceMs(tenant), this::note));
        known.put(tenant, found);
        return found.keySet();
    }

    /** Of a conversation, at the last look for all of its tenant, or now. */
    List<Lost> of(ConversationKey key) {
        Map<ThreadId, List<Lost>> ofTenant = known.get(key.tenant());
        if (ofTenant == null) {
            ofTenant = byConversation(objects.of(key, sinceMs(key.tenant()), this::note));
        }
        return ofTenant.getOrDefault(key.conversation(), List.of());
    }

    /** Manifests that could not be read so far, and why: what they alone name may be lost. */
    List<String> unread() {
        return unread.stream().sorted().toList();
    }

    /** What was put before has been kept for long enough, or has commits that nobody can read any more. */
    private long sinceMs(TenantId tenant) {
        long nowMs = clock.millis();
        return Math.max(times.oldestNamedMs(nowMs), Restore.oldestKeptMs(retention, tenant, nowMs));
    }

    private static Map<ThreadId, List<Lost>> byConversation(Map<String, Long> lost) {
        Map<ThreadId, List<Lost>> segments = new HashMap<>();
        lost.forEach((name, putByMs) -> {
            String object = name.substring(name.indexOf('/') + 1);
            if (!object.startsWith(BackupNames.ERASED)) {
                segments.computeIfAbsent(BackupNames.conversationOf(name).orElseThrow(), _ -> new ArrayList<>())
                        .add(new Lost(SegmentName.parse(object), putByMs));
            }
        });
        return segments;
    }

    private void note(BrokenBackupException manifest) {
        unread.add(String.valueOf(manifest.getMessage()));
    }
}
