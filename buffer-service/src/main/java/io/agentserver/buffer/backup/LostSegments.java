package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Retention;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * What a restore would not see that it lacks: segments that manifests name and the bucket has not, of those that somebody could still
 * read. Safe on any thread.
 */
final class LostSegments {
    private static final Logger log = LoggerFactory.getLogger(LostSegments.class);

    private final LostObjects objects;
    private final BackupBucket bucket;
    private final BackupNames names;
    private final BackupTimes times;
    private final Retention retention;
    private final Clock clock;
    private final Map<TenantId, Map<ThreadId, List<SegmentName>>> known = new ConcurrentHashMap<>();

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
        Map<ThreadId, List<SegmentName>> found =
                byConversation(objects.of(tenant, there, sinceMs(tenant), LostSegments::tell));
        known.put(tenant, found);
        return found.keySet();
    }

    /** Of a conversation, at the last look for all of its tenant, or now. */
    List<SegmentName> of(ConversationKey key) {
        Map<ThreadId, List<SegmentName>> ofTenant = known.get(key.tenant());
        if (ofTenant == null) {
            ofTenant = byConversation(objects.of(key, sinceMs(key.tenant()), LostSegments::tell));
        }
        return ofTenant.getOrDefault(key.conversation(), List.of());
    }

    /** What was put before has been kept for long enough, or has commits that nobody can read any more. */
    private long sinceMs(TenantId tenant) {
        long nowMs = clock.millis();
        return Math.max(times.oldestNamedMs(nowMs), Restore.oldestKeptMs(retention, tenant, nowMs));
    }

    private static Map<ThreadId, List<SegmentName>> byConversation(Set<String> lost) {
        return lost.stream()
                .filter(name -> !name.contains(BackupNames.ERASED))
                .collect(Collectors.groupingBy(
                        name -> BackupNames.conversationOf(name).orElseThrow(),
                        Collectors.mapping(
                                name -> SegmentName.parse(name.substring(name.indexOf('/') + 1)),
                                Collectors.toList())));
    }

    private static void tell(BrokenBackupException manifest) {
        log.warn("what was lost of that cannot be told: {}", manifest.getMessage());
    }
}
