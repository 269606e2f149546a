package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.DueStoreContract;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.localstores.LocalRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The due index in Redis, and who looks after which part of it. */
class RedisDueStoreTest extends DueStoreContract {
    private static LocalRedis server;
    private static RedisConnections redis;

    @BeforeAll
    static void start(@TempDir Path directory) {
        server = LocalRedis.start(directory, 0);
        redis = RedisConnections.open(server.url());
    }

    @AfterAll
    static void stop() {
        redis.close();
        server.close();
    }

    @BeforeEach
    void nobodyHolds() {
        redis.commands().del("{due}:owners", "{due}:leases");
    }

    @Override
    protected DueStore store() {
        return new RedisDueStore(redis, "due");
    }

    @Test
    void tells_the_time_that_leases_go_by() {
        long before = System.currentTimeMillis();
        assertThat(new LeaseScript(redis, "due").millis().orElseThrow())
                .isBetween(before - 1, System.currentTimeMillis() + 1);
    }

    @Test
    void one_owner_gets_all_shards_and_gives_its_share_to_those_who_come() {
        LeaseScript leases = new LeaseScript(redis, "due");
        assertThat(leases.renew("a")).hasSize(16);
        assertThat(leases.renew("b")).as("none is free yet").isEmpty();
        assertThat(leases.renew("a")).hasSize(8);
        List<Integer> all = new ArrayList<>(leases.renew("a"));
        all.addAll(leases.renew("b"));
        assertThat(all).hasSize(16).doesNotHaveDuplicates();
    }

    @Test
    void what_an_owner_held_that_asks_no_more_goes_to_the_others() {
        LeaseScript leases = new LeaseScript(redis, "due");
        leases.renew("a");
        redis.commands().zadd("{due}:owners", 1.0, "a".getBytes(StandardCharsets.UTF_8)); // long ago
        assertThat(leases.renew("b")).hasSize(16);
        assertThat(leases.renew("a")).as("back, and a moment later").isEmpty();
    }

    /** As after a failover to a Redis whose clock is behind. */
    @Test
    void what_an_owner_held_that_is_gone_does_not_wait_for_a_clock_that_went_back() {
        LeaseScript leases = new LeaseScript(redis, "due");
        leases.renew("gone");
        double ahead = System.currentTimeMillis() + Duration.ofMinutes(10).toMillis();
        redis.commands().zadd("{due}:owners", ahead, "gone".getBytes(StandardCharsets.UTF_8));
        assertThat(leases.renew("b")).hasSize(16);
    }

    @Test
    void whoever_lives_keeps_its_shards_when_the_clock_goes_back() {
        LeaseScript leases = new LeaseScript(redis, "due");
        leases.renew("a");
        leases.renew("b");
        List<Integer> before = leases.renew("a");
        double ahead = System.currentTimeMillis() + Duration.ofMinutes(10).toMillis();
        for (String owner : List.of("a", "b")) {
            redis.commands().zadd("{due}:owners", ahead, owner.getBytes(StandardCharsets.UTF_8));
        }
        assertThat(leases.renew("a")).as("it does not know of b until b asks").containsAll(before);
        leases.renew("b");
        assertThat(leases.renew("a")).hasSize(8);
        assertThat(leases.renew("b")).hasSize(8);
    }

    @Test
    void what_an_owner_gives_back_is_the_next_ones_at_once() {
        LeaseScript leases = new LeaseScript(redis, "due");
        leases.renew("a");
        leases.release("a");
        assertThat(leases.renew("b")).hasSize(16);
    }

    @Test
    void the_shards_are_shared_also_while_redis_is_out_of_memory() {
        LeaseScript leases = new LeaseScript(redis, "due");
        redis.commands().configSet("maxmemory", "1");
        try {
            leases.renew("a");
            leases.renew("b");
            assertThat(leases.renew("a")).hasSize(8);
            assertThat(leases.renew("b")).hasSize(8);
        } finally {
            redis.commands().configSet("maxmemory", "0");
        }
    }

    @Test
    void says_that_redis_is_away(@TempDir Path directory) {
        LocalRedis other = LocalRedis.start(directory, 0);
        RedisConnections gone = RedisConnections.open(other.url());
        LeaseScript leases = new LeaseScript(gone, "due");
        other.close();
        assertThatThrownBy(() -> leases.renew("a")).isInstanceOf(StoreUnavailableException.class);
        assertThatThrownBy(() -> new RedisDueStore(gone, "due").due(0, 1, 1))
                .isInstanceOf(StoreUnavailableException.class);
        gone.close();
    }
}
