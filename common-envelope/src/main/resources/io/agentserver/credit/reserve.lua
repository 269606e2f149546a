-- Holds an amount of a tenant's credit for one call, if there is as much. Atomic; by Redis' own clock; the receipt makes
-- repeating it safe: what is held stays held, once, and lives longer. Another owner gets nothing by it.
--
-- KEYS[1]  credit:{<tenant>}:state, a hash: balance, version (billing's), held, unposted (sums of the two below),
--          epoch (there: credit is open), opens (when it does, in milliseconds)
-- KEYS[2]  credit:{<tenant>}:holds, a hash: receipt to "<amount> <owner> <details>"
-- KEYS[3]  credit:{<tenant>}:expiries, a sorted set: receipt by when its hold lapses, in milliseconds
-- ARGV[1]  receipt
-- ARGV[2]  owner: who alone may settle, extend or release it
-- ARGV[3]  amount, micro-USD
-- ARGV[4]  milliseconds until the hold lapses
-- ARGV[5]  details: what to do with it then
--
-- Returns {'held', epoch}, {'exhausted', available}, {'closed', ''}, or {'another', ''} for the receipt of another's hold.
local state = redis.call('HMGET', KEYS[1], 'balance', 'held', 'unposted', 'epoch', 'opens')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not state[1] or not state[4] or now < tonumber(state[5] or 0) then
  return {'closed', ''}
end
local lapses = string.format('%.0f', now + ARGV[4])
local hold = redis.call('HGET', KEYS[2], ARGV[1])
if hold then
  if string.match(hold, '^%d+ (%S+)') ~= ARGV[2] then
    return {'another', ''}
  end
  redis.call('ZADD', KEYS[3], 'GT', lapses, ARGV[1])
  return {'held', state[4]}
end
local available = state[1] - (state[2] or 0) - (state[3] or 0)
if available <= 0 or available < tonumber(ARGV[3]) then
  return {'exhausted', string.format('%.0f', available)}
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' ' .. ARGV[2] .. ' ' .. ARGV[5])
redis.call('ZADD', KEYS[3], lapses, ARGV[1])
redis.call('HINCRBY', KEYS[1], 'held', ARGV[3])
return {'held', state[4]}
