-- Writes a tenant's posted balance and forgets what it already accounts for, in one step. Atomic; an older version never
-- overwrites a newer one, so repeating it and any order are safe. It opens nothing. Versions count within one era of the
-- ledger: where another era's balance is, nobody here knows which is right, and credit is closed.
--
-- KEYS[1]  credit:{<tenant>}:state, as in reserve.lua; and era, the ledger's whose balance it is
-- KEYS[2]  credit:{<tenant>}:holds
-- KEYS[3]  credit:{<tenant>}:expiries
-- KEYS[4]  credit:{<tenant>}:unposted, as in settle.lua
-- KEYS[5]  credit:{<tenant>}:posted, a sorted set: receipts of the last five minutes that were posted before they were
--          settled, and all of them until ten minutes after credit opened, by when; few, unless Redis was emptied.
--          restore.lua does not put those back, and settle.lua does not count them
-- ARGV[1]  balance, micro-USD
-- ARGV[2]  its version
-- ARGV[3]  the era that it is of; empty: any
-- ARGV[4]  1: another era's balance is overwritten, 0: it stands
-- ARGV[5…] receipts that are posted
--
-- Returns 1 if credit is open (or about to open), 0 if it is closed.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local marked = 300000
local opened = redis.call('HMGET', KEYS[1], 'epoch', 'opens')
local young = not opened[1] or now < tonumber(opened[2] or 0) + 600000
for i = 5, #ARGV do
  local unposted = redis.call('HGET', KEYS[4], ARGV[i])
  if unposted then
    redis.call('HDEL', KEYS[4], ARGV[i])
    redis.call('HINCRBY', KEYS[1], 'unposted', 0 - string.match(unposted, '^%d+'))
  end
  if young or not unposted then
    redis.call('ZADD', KEYS[5], string.format('%.0f', now), ARGV[i])
    redis.call('PEXPIRE', KEYS[5], marked)
  end
  local hold = redis.call('HGET', KEYS[2], ARGV[i])
  if hold then
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('ZREM', KEYS[3], ARGV[i])
    redis.call('HINCRBY', KEYS[1], 'held', 0 - string.match(hold, '^%d+'))
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', string.format('%.0f', now - marked))
local version = redis.call('HGET', KEYS[1], 'version')
local era = redis.call('HGET', KEYS[1], 'era')
local another = era and ARGV[3] ~= '' and era ~= ARGV[3]
if another and ARGV[4] ~= '1' then
  redis.call('HDEL', KEYS[1], 'epoch', 'opens', 'opening')
  return 0
end
if another or not version or tonumber(ARGV[2]) > tonumber(version) then
  redis.call('HSET', KEYS[1], 'balance', ARGV[1], 'version', ARGV[2])
end
if ARGV[3] ~= '' and era ~= ARGV[3] then
  redis.call('HSET', KEYS[1], 'era', ARGV[3])
end
return redis.call('HEXISTS', KEYS[1], 'epoch')
