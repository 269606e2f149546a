-- Gives an idempotency key to one call. Atomic; by Redis' own clock; the owner makes repeating it safe.
--
-- KEYS[1]  idem:{<tenant>:<sha256 of the key>}, a hash: digest (of the request's body), answer (once there is one), owner and
--          until (of the call that runs, in milliseconds), broken (runs that gave no answer and may have cost something)
-- ARGV[1]  digest
-- ARGV[2]  owner
-- ARGV[3]  milliseconds until the claim is free again, unless it is renewed
-- ARGV[4]  milliseconds that the key is remembered
--
-- Returns {'mine', <runs that broke>}, {'running', ''}, {'done', answer}, or {'mismatch', ''} for another body.
local kept = redis.call('HMGET', KEYS[1], 'digest', 'answer', 'owner', 'until')
if kept[1] and kept[1] ~= ARGV[1] then
  return {'mismatch', ''}
end
if kept[2] then
  return {'done', kept[2]}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if kept[3] and kept[3] ~= ARGV[2] then
  if tonumber(kept[4]) > now then
    return {'running', ''}
  end
  redis.call('HINCRBY', KEYS[1], 'broken', 1) -- its router died over it
end
redis.call('HSET', KEYS[1], 'digest', ARGV[1], 'owner', ARGV[2], 'until', string.format('%.0f', now + ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'mine', redis.call('HGET', KEYS[1], 'broken') or '0'}
