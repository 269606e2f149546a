-- Renews a claim that is still the caller's own, and makes it again where Redis has lost it, be it that of the key alone earlier runs
-- are known, or that whoever had it meanwhile has left it without an answer: whoever else came with the key would run beside the
-- caller. Atomic; repeating it changes nothing.
--
-- KEYS[1]  as in claim.lua
-- KEYS[2]  once:{<tenant>}:keys, as in claim.lua
-- ARGV[1]  owner
-- ARGV[2]  as ARGV[3] of claim.lua
-- ARGV[3]  digest
-- ARGV[4]  milliseconds that the key is remembered
-- ARGV[5]  sha256 of the key
--
-- Returns 1 if it is the caller's own; 0 if another has it, or has answered, or the caller itself has ended it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'owner', 'digest', 'receipt', 'ended')
if kept[1] ~= ARGV[1] then
  if kept[1] or kept[3] or kept[4] == ARGV[1] or kept[2] and kept[2] ~= ARGV[3] then
    return 0
  end
  redis.call('HSET', KEYS[1], 'digest', ARGV[3], 'owner', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
  redis.call('ZADD', KEYS[2], string.format('%.0f', math.max(now, last and last + 1 or 0)), ARGV[5])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + ARGV[2]))
return 1
