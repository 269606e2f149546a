-- Leaves of a conversation its last commit, which erases it, and the places of those before. Atomic; repeating it changes
-- nothing but the time of expiry.
--
-- KEYS[1]  thread:<tenant>:{<conversation>}:commits, a list: its i-th element is commit i
-- ARGV[1]  number of the erasing commit
-- ARGV[2]  milliseconds until the conversation expires
-- ARGV[3]  channel to tell of it
-- ARGV[4]  !<tenant>#<conversation>
-- ARGV[5]  the erasing commit
--
-- Empty elements keep the numbers of the others taken: a number that were free could be written again.
local last = tonumber(ARGV[1])
redis.call('DEL', KEYS[1])
for _ = 2, last do
  redis.call('RPUSH', KEYS[1], '')
end
redis.call('RPUSH', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4] .. '#' .. last)
return last
