package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.service.redis.RedisClients;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.sync.RedisServerCommands;
import io.lettuce.core.cluster.api.sync.RedisAdvancedClusterCommands;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;

/**
 * The files that Redis writes its keys to: a deleted key's bytes stay in an append-only file until it is written anew, which
 * otherwise happens when it has doubled, and in a snapshot until the next one. Has every node write anew, and waits. A Redis that
 * is somebody else's to run does not let us; its snapshots go with their own term.
 */
final class RedisFilesStep implements DeletionStep {
    private static final Logger LOG = LoggerFactory.getLogger(RedisFilesStep.class);
    private static final String REWRITING = "rewriting";
    private static final List<String> BUSY =
            List.of("aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1", "rdb_bgsave_in_progress:1", "loading:1");

    /** Of the last time; a node that keeps no such file says ok. */
    private static final List<String> FAILED = List.of("aof_last_bgrewrite_status:err", "rdb_last_bgsave_status:err");

    private final RedisClients redis;

    RedisFilesStep(RedisClients redis) {
        this.redis = redis;
    }

    @Override
    public String store() {
        return "redis-files";
    }

    @Override
    public @Nullable String kept() {
        return "backups that whoever runs Redis makes of it, for as long as those are kept";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        try {
            List<RedisServerCommands<String, String>> nodes = nodes();
            long busy = nodes.stream()
                    .filter(node -> BUSY.stream().anyMatch(node.info("persistence")::contains))
                    .count();
            if (busy > 0) {
                return Part.waiting(busy, cursor); // of before, too: that one may have begun before the keys went
            }
            if (cursor.equals(REWRITING)) {
                long failed = nodes.stream()
                        .filter(node -> FAILED.stream().anyMatch(node.info("persistence")::contains))
                        .count();
                if (failed > 0) {
                    LOG.error("{} nodes of Redis could not write their files anew; they are told again", failed);
                }
                return Part.waiting(failed, "");
            }
            long begun = nodes.stream().filter(RedisFilesStep::writesAnew).count();
            return begun == 0 ? Part.of(0, "") : new Part(0, begun, REWRITING, Map.of("nodes_written_anew", begun));
        } catch (RedisException | CancellationException e) {
            throw new Unavailable("Redis does not answer", e);
        }
    }

    private static boolean writesAnew(RedisServerCommands<String, String> node) {
        try {
            if (node.info("persistence").contains("aof_enabled:1")) {
                node.bgrewriteaof();
                return true;
            }
            String snapshots = node.configGet("save").getOrDefault("save", "");
            if (!snapshots.isBlank()) {
                node.bgsave();
                return true;
            }
            return false;
        } catch (RedisCommandExecutionException refused) {
            String why = String.valueOf(refused.getMessage());
            if (why.startsWith("NOPERM") || why.contains("unknown command")) {
                LOG.info("Redis does not write its files anew when we tell it to: {}", why);
                return false; // somebody else's to run
            }
            throw new Unavailable("Redis cannot write its files anew: " + why, refused);
        }
    }

    /** Replicas too: each has files of its own. */
    private List<RedisServerCommands<String, String>> nodes() {
        return redis.commands() instanceof RedisAdvancedClusterCommands<String, String> cluster
                ? List.copyOf(cluster.nodes(_ -> true).asMap().values())
                : List.of(redis.commands());
    }
}
