-- Ends a claim that is still the caller's own, or that Redis has lost. An answer is kept also where nobody has the key and there is
-- none: it was paid. Atomic; repeating it changes nothing and answers the same. Where a tenant's kept answers would be larger than
-- they may be together, the oldest go: that their calls were answered stays remembered.
--
-- KEYS[1]  as in claim.lua
-- KEYS[2]  once:{<tenant>}:keys, as in claim.lua
-- KEYS[3]  once:{<tenant>}:answers, a sorted set: sha256 of those with an answer by when it was kept, in milliseconds,
--          or later where the clock has gone back: the newest is always the last
-- KEYS[4]  once:{<tenant>}:sizes, a hash: sha256 to the bytes of its answer, and the empty one to their sum
-- ARGV[1]  digest
-- ARGV[2]  owner
-- ARGV[3]  done: with an answer, which is kept unless it is empty; broken: without one, and something may have been consumed, so
--          the key stays with its body; unused: nothing was consumed, so it is as if the call had not been
-- ARGV[4]  the answer
-- ARGV[5]  milliseconds that the key is remembered
-- ARGV[6]  sha256 of the key
-- ARGV[7]  receipt of the call
-- ARGV[8]  bytes of all of the tenant's answers, at most; not less than this one has
-- ARGV[9]  once:{<tenant>}:, what the names of keys begin with
--
-- Returns 1 if it was the caller's own, or nobody's.
local kept = redis.call('HMGET', KEYS[1], 'owner', 'ended', 'receipt', 'digest')
if kept[2] == ARGV[2] then
  return 1 -- it was said before, and the answer was lost
end
if kept[1] ~= ARGV[2] and redis.call('EXISTS', KEYS[1]) == 1
  and (kept[1] or kept[3] or ARGV[3] ~= 'done' or kept[4] and kept[4] ~= ARGV[1]) then
  return 0
end
if ARGV[3] == 'unused' and redis.call('HEXISTS', KEYS[1], 'broken') == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[6])
  return 1
end
redis.call('HDEL', KEYS[1], 'owner', 'until')
redis.call('HSET', KEYS[1], 'digest', ARGV[1], 'ended', ARGV[2])
if ARGV[3] == 'broken' then
  redis.call('HINCRBY', KEYS[1], 'broken', 1)
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if ARGV[3] ~= 'done' then
  return 1
end
redis.call('HSET', KEYS[1], 'receipt', ARGV[7])
local size = string.len(ARGV[4])
if size == 0 then
  return 1
end

local function forget(sha256)
  local bytes = redis.call('HGET', KEYS[4], sha256)
  if bytes then
    redis.call('HDEL', KEYS[4], sha256)
    redis.call('HINCRBY', KEYS[4], '', 0 - bytes)
  end
  redis.call('ZREM', KEYS[3], sha256)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expired = string.format('%.0f', now - ARGV[5])
for _, sha256 in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', expired, 'LIMIT', 0, 1000)) do
  forget(sha256)
end
forget(ARGV[6])
while tonumber(redis.call('HGET', KEYS[4], '') or '0') + size > tonumber(ARGV[8]) do
  local oldest = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
  if not oldest then
    redis.call('DEL', KEYS[4]) -- Redis has evicted the index
    break
  end
  redis.call('HDEL', ARGV[9] .. oldest, 'answer')
  forget(oldest)
end
redis.call('HSET', KEYS[1], 'answer', ARGV[4])
local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
redis.call('ZADD', KEYS[3], string.format('%.0f', math.max(now, last and last + 1 or 0)), ARGV[6])
redis.call('HSET', KEYS[4], ARGV[6], size)
redis.call('HINCRBY', KEYS[4], '', size)
redis.call('PEXPIRE', KEYS[3], ARGV[5])
redis.call('PEXPIRE', KEYS[4], ARGV[5])
return 1
