package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Gatherers;

/** Looks for what manifests name and the bucket has not, though no erasure explains it. */
final class LostObjects {
    private static final int MANIFESTS_AT_ONCE = 16;
    private static final int CONVERSATIONS_AT_ONCE = 32;

    private final ConversationBackups backups;
    private final BackupBucket bucket;
    private final BackupNames names;

    LostObjects(ConversationBackups backups, BackupBucket bucket, BackupNames names) {
        this.backups = backups;
        this.bucket = bucket;
        this.names = names;
    }

    /**
     * Of a whole tenant.
     *
     * @param there names of all objects below {@code conversations/}, from before this call
     * @param sinceMs manifests from then on are read, of what was put from then on
     * @param broken told of each manifest that cannot be read
     * @return names below {@code conversations/}, and by when each was put
     */
    Map<String, Long> of(TenantId tenant, NameSet there, long sinceMs, Consumer<BrokenBackupException> broken) {
        return lost(tenant, names.manifests(tenant), sinceMs, _ -> true, name -> !there.contains(name), broken);
    }

    /** Of one conversation. */
    Map<String, Long> of(ConversationKey key, long sinceMs, Consumer<BrokenBackupException> broken) {
        String folder = names.conversation(key);
        Set<String> there = new HashSet<>();
        bucket.each(
                folder,
                object -> there.add(key.conversation() + "/" + object.key().substring(folder.length())));
        int shard = ShardKey.of(key.conversation(), ShardKey.SHARDS);
        return lost(
                key.tenant(),
                names.manifests(key.tenant()),
                sinceMs,
                manifest -> names.isOfShard(key.tenant(), manifest, shard),
                name -> name.startsWith(key.conversation() + "/") && !there.contains(name),
                broken);
    }

    private Map<String, Long> lost(
            TenantId tenant,
            String folder,
            long sinceMs,
            Predicate<String> isLookedInto,
            Predicate<String> isGone,
            Consumer<BrokenBackupException> broken) {
        List<Listed> manifests = new ArrayList<>();
        bucket.each(folder, (Listed manifest) -> {
            if (manifest.modifiedMs() > sinceMs && isLookedInto.test(manifest.key())) {
                manifests.add(manifest);
            }
            return true;
        });
        Map<String, Long> gone = new HashMap<>();
        manifests.stream()
                .gather(Gatherers.mapConcurrent(MANIFESTS_AT_ONCE, this::read))
                .forEach(read -> {
                    read.broken.ifPresent(broken);
                    read.named.stream()
                            .filter(named -> read.putByMs(named) > sinceMs) // else it went with the first that names it
                            .filter(named -> isGone.test(named.name()))
                            .forEach(named -> gone.merge(named.name(), read.putByMs(named), Math::min));
                });
        gone.keySet().stream()
                .collect(Collectors.groupingBy(name -> name.substring(0, name.indexOf('/'))))
                .entrySet()
                .stream()
                .gather(Gatherers.mapConcurrent(
                        CONVERSATIONS_AT_ONCE, its -> mayBeGone(tenant, its.getKey(), its.getValue())))
                .forEach(gone.keySet()::removeAll);
        return gone;
    }

    private record Read(Listed manifest, List<Manifest.Named> named, Optional<BrokenBackupException> broken) {
        long putByMs(Manifest.Named its) {
            return its.putByMs(manifest.modifiedMs());
        }
    }

    private Read read(Listed manifest) {
        try {
            return new Read(
                    manifest,
                    bucket.get(manifest.key())
                            .map(json -> Manifest.ofJson(manifest.key(), json).objects())
                            .orElse(List.of()),
                    Optional.empty());
        } catch (BrokenBackupException e) {
            return new Read(manifest, List.of(), Optional.of(e));
        }
    }

    /** Those of a conversation's names that may. */
    private Set<String> mayBeGone(TenantId tenant, String conversation, List<String> lost) {
        Contents contents = backups.contents(new ConversationKey(tenant, ThreadId.parse(conversation)));
        return lost.stream()
                .filter(name -> mayBeGone(contents, name.substring(conversation.length() + 1)))
                .collect(Collectors.toSet());
    }

    /** Put since it was looked for, or erased, or put and erased between two looks; an erasure's mark goes when there is nothing that it would hide. */
    private static boolean mayBeGone(Contents contents, String object) {
        return object.startsWith(BackupNames.ERASED)
                ? contents.segments().isEmpty()
                : SegmentName.parse(object).lifeMs() <= contents.erasedAtMs()
                        || contents.segments().stream()
                                .anyMatch(segment -> segment.name().text().equals(object));
    }
}
