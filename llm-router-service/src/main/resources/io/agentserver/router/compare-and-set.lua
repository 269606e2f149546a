-- Replaces a value that is still the caller's own.
-- KEYS[1]  the key
-- ARGV[1]  the value that must stand there; a key that has expired counts as standing
-- ARGV[2]  the new value; empty: the key is deleted
-- ARGV[3]  the new value's time to live in milliseconds
-- Returns 1 if it was replaced, 0 if another's value stands there.
local current = redis.call('GET', KEYS[1])
if current and current ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
