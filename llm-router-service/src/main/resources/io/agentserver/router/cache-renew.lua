-- Renews, or gives back, the right to make an answer, if it is the caller's own still. Atomic; repeating it changes nothing.
--
-- KEYS[1]  as in cache-look.lua
-- ARGV[1]  owner
-- ARGV[2]  milliseconds until it is free again; 0: now
--
-- Returns 1 if it was the caller's own.
if redis.call('GET', KEYS[1]) ~= 'r' .. ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
