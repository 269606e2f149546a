-- Puts holds back that a router still has and Redis has lost. Atomic; what is there stays as it is, and what was posted
-- meanwhile stays away.
--
-- KEYS[1]  credit:{<tenant>}:state, as in reserve.lua
-- KEYS[2]  credit:{<tenant>}:holds
-- KEYS[3]  credit:{<tenant>}:expiries
-- KEYS[5]  credit:{<tenant>}:posted, as in posted.lua
-- ARGV[1…] receipt, owner, amount, milliseconds until it lapses, details; and again for the next hold
--
-- Returns how many were put back.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local back = 0
for i = 1, #ARGV, 5 do
  if not redis.call('ZSCORE', KEYS[5], ARGV[i])
    and redis.call('HSETNX', KEYS[2], ARGV[i], ARGV[i + 2] .. ' ' .. ARGV[i + 1] .. ' ' .. ARGV[i + 4]) == 1 then
    if redis.call('EXISTS', KEYS[3]) == 0 then
      redis.call('HSET', KEYS[1], 'swept', string.format('%.0f', now)) -- as in reserve.lua
    end
    redis.call('ZADD', KEYS[3], string.format('%.0f', now + ARGV[i + 3]), ARGV[i])
    redis.call('HINCRBY', KEYS[1], 'held', ARGV[i + 2])
    back = back + 1
  end
end
return back
