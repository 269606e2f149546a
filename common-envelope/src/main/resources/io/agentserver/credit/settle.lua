-- Turns a hold into what its call has cost, until billing has posted that, and what it was counted with in its minute into
-- what it has used. Atomic; repeating it changes nothing. Without
-- a hold there is nothing to settle: billing has posted the receipt, or it was settled before. So it does not matter
-- which of settling and posting comes first (where posting does, the call stays counted as it was held), and nothing has to be
-- remembered of what is over. Unless the hold was lost, with the epoch that it was taken in: then what the call has cost counts
-- all the same, but where billing is known to have posted it (posted.lua); once too often until open.lua looks it over at worst.
-- A hold that another has
-- taken over (lapsed.lua) is that one's to settle: who comes late changes nothing.
--
-- KEYS[1]  credit:{<tenant>}:state, as in reserve.lua
-- KEYS[2]  credit:{<tenant>}:holds
-- KEYS[3]  credit:{<tenant>}:expiries
-- KEYS[4]  credit:{<tenant>}:unposted, a hash: receipt to "<price> <when it was settled, in milliseconds>"
-- KEYS[5]  credit:{<tenant>}:posted, as in posted.lua
-- KEYS[6]  credit:{<tenant>}:seconds, as in reserve.lua
-- ARGV[1]  receipt
-- ARGV[2]  owner
-- ARGV[3]  price, micro-USD; 0: the hold is released
-- ARGV[4]  the slice that the call was counted in; empty: it was not
-- ARGV[5]  tokens that it was counted with
-- ARGV[6]  tokens that it has used
-- ARGV[7]  1: it was a request; 0: it counts as if it had never been
-- ARGV[8]  the epoch that it was taken in; empty: not known
--
-- Returns 1 if there was a hold of this owner.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function owe()
  -- a second run under the same receipt is not charged again: the first price stands
  if tonumber(ARGV[3]) > 0
    and redis.call('HSETNX', KEYS[4], ARGV[1], ARGV[3] .. ' ' .. string.format('%.0f', now)) == 1 then
    redis.call('HINCRBY', KEYS[1], 'unposted', ARGV[3])
  end
end

local hold = redis.call('HGET', KEYS[2], ARGV[1])
if not hold then
  if ARGV[8] ~= '' and redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[8] and not redis.call('ZSCORE', KEYS[5], ARGV[1]) then
    owe()
  end
  return 0
end
if string.match(hold, '^%d+ (%S+)') ~= ARGV[2] then
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HINCRBY', KEYS[1], 'held', 0 - string.match(hold, '^%d+'))
owe()

-- nothing is given back below 0: Redis may have lost the slice
local function count(slice, requests, tokens, at)
  local counted = redis.call('HGET', KEYS[6], slice)
  if counted or at > 0 then
    local r, t, last = string.match(counted or '0 0 0', '^(%d+) (%d+) (%d+)$')
    redis.call('HSET', KEYS[6], slice, string.format('%.0f %.0f %.0f',
      math.max(0, r + requests), math.max(0, t + tokens), math.max(last, at)))
  end
end

if ARGV[4] ~= '' then
  local more = ARGV[6] - ARGV[5]
  count(ARGV[4], ARGV[7] - 1, math.min(0, more), 0)
  if more > 0 then
    count(string.format('%.0f', math.floor(now / 1000)), 0, more, now)
    redis.call('PEXPIRE', KEYS[6], 61000)
  end
end
return 1
