-- Lets holds live on whose calls still run. Atomic; by Redis' own clock; a hold that lives longer already does so still, and
-- one that is over, or that another has taken over (lapsed.lua), stays as it is.
--
-- KEYS[2]  credit:{<tenant>}:holds, as in reserve.lua
-- KEYS[3]  credit:{<tenant>}:expiries
-- ARGV[1…] receipt, owner, milliseconds until it lapses; and again for the next hold
--
-- Returns how many are still their owner's.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local own = 0
for i = 1, #ARGV, 3 do
  local hold = redis.call('HGET', KEYS[2], ARGV[i])
  if hold and string.match(hold, '^%d+ (%S+)') == ARGV[i + 1] then
    redis.call('ZADD', KEYS[3], 'XX', 'GT', string.format('%.0f', now + ARGV[i + 2]), ARGV[i])
    own = own + 1
  end
end
return own
