-- Shares the shards between living owners, as evenly as whole shards go. Atomic; by Redis' own clock.
--
-- KEYS[1]  {<name>}:owners, a sorted set: owner by when it asked last, in milliseconds
-- KEYS[2]  {<name>}:leases, a hash: shard to owner
-- ARGV[1]  the owner that asks
-- ARGV[2]  milliseconds after which an owner that has not asked is gone
-- ARGV[3]  number of shards
--
-- That clock may go back, as after a failover: who asked later than a term from now asked by another clock, is gone as well, and is
-- back when it asks again.
--
-- Its first write takes no memory: a Redis that is out of memory lets it in, and those after it.
--
-- Returns the shards that are the owner's now.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. (now + ARGV[2]), '+inf')
redis.call('ZADD', KEYS[1], now, ARGV[1])
local share = math.ceil(ARGV[3] / redis.call('ZCARD', KEYS[1]))
local mine = {}
local free = {}
for shard = 0, ARGV[3] - 1 do
  local owner = redis.call('HGET', KEYS[2], shard)
  if owner == ARGV[1] then
    if #mine < share then
      mine[#mine + 1] = shard
    else
      redis.call('HDEL', KEYS[2], shard)
    end
  elseif not owner or not redis.call('ZSCORE', KEYS[1], owner) then
    free[#free + 1] = shard
  end
end
for _, shard in ipairs(free) do
  if #mine < share then
    redis.call('HSET', KEYS[2], shard, ARGV[1])
    mine[#mine + 1] = shard
  end
end
return mine
