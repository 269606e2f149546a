-- Appends commits to a conversation where they continue it. Atomic; repeating it changes nothing.
--
-- KEYS[1]  thread:<tenant>:{<conversation>}:commits, a list: its i-th element is commit i
-- ARGV[1]  number of the first commit given
-- ARGV[2]  milliseconds until the conversation expires
-- ARGV[3]  channel to tell of it
-- ARGV[4]  <tenant>#<conversation>, with a '!' before it if one of the commits stops something
-- ARGV[5…] commits, in order
--
-- Returns the number of commits before the call: one commit of number n got in if and only if that is n - 1.
local before = redis.call('LLEN', KEYS[1])
local first = tonumber(ARGV[1])
local last = first + #ARGV - 5
if first > before + 1 or last <= before then
  return before
end
for i = 5 + before + 1 - first, #ARGV do
  redis.call('RPUSH', KEYS[1], ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4] .. '#' .. last)
return before
