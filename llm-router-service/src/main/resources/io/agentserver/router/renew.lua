-- Renews a claim that is still the caller's own, also one that ran out meanwhile. Atomic; repeating it changes nothing.
--
-- KEYS[1]  as in claim.lua
-- ARGV[1]  owner
-- ARGV[2]  milliseconds until the claim is free again
--
-- Returns 1 if it is the caller's own.
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + ARGV[2]))
return 1
