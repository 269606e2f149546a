-- Ends a claim that is still the caller's own, or that Redis has lost. Atomic; repeating it changes nothing.
--
-- KEYS[1]  as in claim.lua
-- ARGV[1]  digest
-- ARGV[2]  owner
-- ARGV[3]  done: with an answer, which is kept; broken: without one, and something may have been consumed, so the key stays
--          with its body; unused: nothing was consumed, so it is as if the call had not been
-- ARGV[4]  the answer
-- ARGV[5]  milliseconds that the key is remembered
--
-- Returns 1 if it was the caller's own.
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner ~= ARGV[2] and (owner or redis.call('EXISTS', KEYS[1]) == 1) then
  return 0
end
if ARGV[3] == 'unused' and redis.call('HEXISTS', KEYS[1], 'broken') == 0 then
  redis.call('DEL', KEYS[1])
  return 1
end
redis.call('HDEL', KEYS[1], 'owner', 'until')
redis.call('HSET', KEYS[1], 'digest', ARGV[1])
if ARGV[3] == 'done' then
  redis.call('HSET', KEYS[1], 'answer', ARGV[4])
elseif ARGV[3] == 'broken' then
  redis.call('HINCRBY', KEYS[1], 'broken', 1)
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
