-- Turns a hold into what its call has cost, until billing has posted that. Atomic; repeating it changes nothing. Without
-- a hold there is nothing to settle: billing has posted the receipt, or it was settled before. So it does not matter
-- which of settling and posting comes first, and nothing has to be remembered of what is over. A hold that another has
-- taken over (lapsed.lua) is that one's to settle: who comes late changes nothing.
--
-- KEYS[1]  credit:{<tenant>}:state, as in reserve.lua
-- KEYS[2]  credit:{<tenant>}:holds
-- KEYS[3]  credit:{<tenant>}:expiries
-- KEYS[4]  credit:{<tenant>}:unposted, a hash: receipt to "<price> <when it was settled, in milliseconds>"
-- ARGV[1]  receipt
-- ARGV[2]  owner
-- ARGV[3]  price, micro-USD; 0: the hold is released
--
-- Returns 1 if there was a hold of this owner.
local hold = redis.call('HGET', KEYS[2], ARGV[1])
if not hold or string.match(hold, '^%d+ (%S+)') ~= ARGV[2] then
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HINCRBY', KEYS[1], 'held', 0 - string.match(hold, '^%d+'))
if tonumber(ARGV[3]) > 0 then
  local time = redis.call('TIME')
  local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  -- a second run under the same receipt is not charged again: the first price stands
  if redis.call('HSETNX', KEYS[4], ARGV[1], ARGV[3] .. ' ' .. now) == 1 then
    redis.call('HINCRBY', KEYS[1], 'unposted', ARGV[3])
  end
end
return 1
