-- Keeps an answer; where a tenant's answers would be larger than they may be together, the first to expire go. Atomic;
-- repeating it changes nothing. Of an answer that Redis itself has evicted its size is counted until it would have expired.
--
-- KEYS[1]  as in cache-look.lua
-- KEYS[2]  llm-cache:{<tenant>}:index, a sorted set: digest by when its answer expires, in milliseconds
-- KEYS[3]  llm-cache:{<tenant>}:sizes, a hash: digest to bytes, and the empty one to their sum
-- ARGV[1]  digest
-- ARGV[2]  answer
-- ARGV[3]  milliseconds that it is kept
-- ARGV[4]  bytes of all of the tenant's answers, at most; not less than this one has
-- ARGV[5]  llm-cache:{<tenant>}:, what keys of answers begin with
--
-- Returns how many had to go before their time.
local function forget(digest)
  local bytes = redis.call('HGET', KEYS[3], digest)
  if bytes then
    redis.call('HDEL', KEYS[3], digest)
    redis.call('HINCRBY', KEYS[3], '', 0 - bytes)
  end
  redis.call('ZREM', KEYS[2], digest)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, digest in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, 1000)) do
  forget(digest)
end
forget(ARGV[1])
local gone = 0
local size = string.len(ARGV[2])
while tonumber(redis.call('HGET', KEYS[3], '') or '0') + size > tonumber(ARGV[4]) do
  local first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not first then
    redis.call('DEL', KEYS[3]) -- the index was evicted
    break
  end
  redis.call('DEL', ARGV[5] .. first)
  forget(first)
  gone = gone + 1
end
redis.call('SET', KEYS[1], 'a' .. ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], size)
redis.call('HINCRBY', KEYS[3], '', size)
for i = 2, 3 do
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  end
end
return gone
