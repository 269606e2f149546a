-- Gives the caller the holds whose owner has not settled them in time. Atomic; by Redis' own clock. They stay held, are
-- the caller's own from here on, and nobody else gets them for a while: should the caller die over them, they lapse again.
--
-- Redis' clock may jump, and every living router's holds be over at once. Each router asks many times a minute: where nobody has
-- by that clock, and there were holds, it has jumped, and what has lapsed lives as much longer. If it was only that no router was
-- there, or that they are slow, those whose owner has died lapse that much later, once: so soon after a jump there is no other.
--
-- KEYS[1]  credit:{<tenant>}:state, as in reserve.lua; and swept, when this ran last while there were holds, or the first of
--          them came, and jumped, when it last took the clock for jumped, both in milliseconds
-- KEYS[2]  credit:{<tenant>}:holds, as in reserve.lua
-- KEYS[3]  credit:{<tenant>}:expiries
-- ARGV[1]  the most to give
-- ARGV[2]  milliseconds until they lapse again
-- ARGV[3]  their new owner
--
-- Returns receipt, amount, details, and again for the next one.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('EXISTS', KEYS[3]) == 1 then
  local swept = redis.call('HGET', KEYS[1], 'swept')
  redis.call('HSET', KEYS[1], 'swept', string.format('%.0f', now))
  local jumped = tonumber(redis.call('HGET', KEYS[1], 'jumped') or 0)
  local again = jumped <= now and now - jumped < 600000
  if swept and now - swept > 60000 and not again then
    redis.call('HSET', KEYS[1], 'jumped', string.format('%.0f', now))
    local late = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))
    for _, receipt in ipairs(late) do
      redis.call('ZINCRBY', KEYS[3], string.format('%.0f', now - swept), receipt)
    end
  end
end
local lapsed = {}
for _, receipt in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])) do
  local hold = redis.call('HGET', KEYS[2], receipt)
  if hold then
    local amount, owner, details = string.match(hold, '^(%d+) (%S+) (.*)$')
    if not owner or string.sub(owner, 1, 1) == '{' then
      amount, details = string.match(hold, '^(%d+) (.*)$') -- of a router that knew no owners: '<amount> {<details>}'
    end
    lapsed[#lapsed + 1] = receipt
    lapsed[#lapsed + 1] = amount
    lapsed[#lapsed + 1] = details
    redis.call('HSET', KEYS[2], receipt, amount .. ' ' .. ARGV[3] .. ' ' .. details)
    redis.call('ZADD', KEYS[3], string.format('%.0f', now + ARGV[2]), receipt)
  else
    redis.call('ZREM', KEYS[3], receipt)
  end
end
return lapsed
