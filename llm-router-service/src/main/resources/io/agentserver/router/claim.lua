-- Gives an idempotency key to one call. Atomic; the owner makes repeating it safe. Whether the call that has it still runs is said by
-- no clock of Redis', which may jump: it renews its claim, and is dead for whoever has seen that unchanged for a lease's time of its
-- own.
--
-- KEYS[1]  once:{<tenant>}:<sha256 of the key>, a hash: digest (of the request's body), answer (once there is one), receipt (of a
--          call that was answered, whether its answer is still kept or not), owner and until (of the call that runs: another
--          one with each renewal; older routers take it over after this, in milliseconds), broken (runs that gave no answer and may
--          have cost something), ended (the owner who ended its claim last)
-- KEYS[2]  once:{<tenant>}:keys, a sorted set: sha256 by when it was claimed, in milliseconds, or later where the clock has gone
--          back: the newest is always the last
-- ARGV[1]  digest
-- ARGV[2]  owner
-- ARGV[3]  milliseconds until the claim is free again for an older router, unless it is renewed
-- ARGV[4]  milliseconds that the key is remembered
-- ARGV[5]  sha256 of the key
-- ARGV[6]  keys of the tenant that are remembered at once, at most: the oldest go
-- ARGV[7]  once:{<tenant>}:, what the names of keys begin with
-- ARGV[8]  the claim that the caller has seen unchanged for long enough to take it over; empty: none
--
-- Returns {'mine', <runs that broke>}, {'running', <the claim>}, {'done', answer}, {'answered', receipt} where the answer is not kept,
-- or {'mismatch', ''} for another body.
local kept = redis.call('HMGET', KEYS[1], 'digest', 'answer', 'owner', 'until', 'receipt')
if kept[1] and kept[1] ~= ARGV[1] then
  return {'mismatch', ''}
end
if kept[2] then
  return {'done', kept[2]}
end
if kept[5] then
  return {'answered', kept[5]}
end
if kept[3] and kept[3] ~= ARGV[2] then
  local claim = kept[3] .. ' ' .. (kept[4] or '')
  if claim ~= ARGV[8] then
    return {'running', claim}
  end
  redis.call('HINCRBY', KEYS[1], 'broken', 1) -- its router died over it
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'digest', ARGV[1], 'owner', ARGV[2], 'until', string.format('%.0f', now + ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])

local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
redis.call('ZADD', KEYS[2], string.format('%.0f', math.max(now, last and last + 1 or 0)), ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[4]))
local over = math.min(redis.call('ZCARD', KEYS[2]) - ARGV[6], 100)
if over > 0 then
  local oldest = redis.call('ZPOPMIN', KEYS[2], over)
  for i = 1, #oldest, 2 do
    redis.call('DEL', ARGV[7] .. oldest[i])
  end
end
return {'mine', redis.call('HGET', KEYS[1], 'broken') or '0'}
