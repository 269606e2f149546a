-- Opens a tenant's credit, or looks it over if it is open. Atomic; repeating it changes nothing: an open one keeps its
-- epoch, an older version never overwrites a newer one.
--
-- The caller has seen to it that everything settled before ARGV[5] is posted and in the balance: a crash or a failover
-- may have taken back the step that forgot it.
--
-- KEYS[1]  credit:{<tenant>}:state, as in reserve.lua
-- KEYS[2]  credit:{<tenant>}:holds
-- KEYS[3]  credit:{<tenant>}:expiries
-- KEYS[4]  credit:{<tenant>}:unposted, as in settle.lua
-- ARGV[1]  balance, micro-USD
-- ARGV[2]  its version
-- ARGV[3]  the epoch that begins, if credit is closed
-- ARGV[4]  milliseconds until it opens then: time for routers to put their holds back
-- ARGV[5]  milliseconds of Redis' clock
-- ARGV[6]  how many milliseconds ago it was so late, by the caller's own clock
--
-- An open one that would open only later than in ARGV[4] does so then: Redis' clock has gone back since. Where it has gone back
-- since ARGV[5], what was settled later may be dated earlier, so nothing is forgotten this time; and never what was settled so
-- shortly before that a step back that is too small to be seen may have dated it so.
--
-- Returns 1 if it was closed.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = tonumber(ARGV[5])
local unlike = 1000 + ARGV[6] / 1000 -- two clocks may go which nobody sets
if now < before + ARGV[6] - unlike then
  before = 0
end
local unposted = 0
local entries = redis.call('HGETALL', KEYS[4])
for i = 1, #entries, 2 do
  local price, settled = string.match(entries[i + 1], '^(%d+) (%d+)$')
  if tonumber(settled) < before - unlike then
    redis.call('HDEL', KEYS[4], entries[i])
  else
    unposted = unposted + price
  end
end
local held = 0
local holds = redis.call('HGETALL', KEYS[2])
for i = 1, #holds, 2 do
  held = held + string.match(holds[i + 1], '^%d+')
  -- one without an expiry, which Redis may have evicted, would be held for ever
  redis.call('ZADD', KEYS[3], 'NX', string.format('%.0f', now + 300000), holds[i])
end
redis.call('HSET', KEYS[1], 'held', string.format('%.0f', held), 'unposted', string.format('%.0f', unposted))
local version = redis.call('HGET', KEYS[1], 'version')
if not version or tonumber(ARGV[2]) > tonumber(version) then
  redis.call('HSET', KEYS[1], 'balance', ARGV[1], 'version', ARGV[2])
end
local opens = string.format('%.0f', now + ARGV[4])
if redis.call('HEXISTS', KEYS[1], 'epoch') == 1 then
  if tonumber(redis.call('HGET', KEYS[1], 'opens') or 0) > tonumber(opens) then
    redis.call('HSET', KEYS[1], 'opening', string.format('%.0f', now), 'opens', opens)
  end
  return 0
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[3], 'opening', string.format('%.0f', now), 'opens', opens)
return 1
