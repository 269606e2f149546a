-- Gives the caller the holds whose owner has not settled them in time. Atomic; by Redis' own clock. They stay held, are
-- the caller's own from here on, and nobody else gets them for a while: should the caller die over them, they lapse again.
--
-- Redis' clock may jump, and every living router's holds be over at once, or before their owners extend them. By what it has gone
-- on since the caller looked last, and the caller's own clock has not, and nobody has found in the meantime, it has jumped: all holds
-- live as much longer. At its first look a caller takes it for what has gone since anybody looked and is more than others take for it.
-- If it was only that nobody was there to look, or that Redis was slow, those whose owner has died lapse that much later.
--
-- KEYS[1]  credit:{<tenant>}:state, as in reserve.lua; and swept, when this ran last while there were holds, or the first of
--          them came, in milliseconds; and jumps, the sum of all that were found, in milliseconds (jumped is an older router's)
-- KEYS[2]  credit:{<tenant>}:holds, as in reserve.lua
-- KEYS[3]  credit:{<tenant>}:expiries
-- ARGV[1]  the most to give
-- ARGV[2]  milliseconds until they lapse again
-- ARGV[3]  their new owner
-- ARGV[4]  milliseconds since the caller looked last, by its own clock; at its first look, within which others do
-- ARGV[5]  what the caller was told then; empty: it is its first look
--
-- Returns what to say as ARGV[5] the next time ('<now> <jumps>'); then receipt, amount, details, and again for the next one.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'swept', 'jumps')
local jumps = tonumber(state[2] or 0)
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('HSET', KEYS[1], 'swept', string.format('%.0f', now))
  local since = state[1] and now - state[1] or 0
  local jump = since - ARGV[4]
  local told, known = string.match(ARGV[5], '^(%d+) (%d+)$')
  if told then
    -- what it jumped by before anybody looked was found then, or there were no holds
    jump = math.min(now - told - ARGV[4] - (jumps - known), since)
  end
  if jump > 1000 then
    jumps = jumps + jump
    redis.call('HSET', KEYS[1], 'jumps', string.format('%.0f', jumps))
    for _, receipt in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
      redis.call('ZINCRBY', KEYS[3], string.format('%.0f', jump), receipt)
    end
  end
end
local lapsed = {string.format('%.0f %.0f', now, jumps)}
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
