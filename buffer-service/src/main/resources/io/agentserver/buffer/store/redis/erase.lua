-- Leaves of a conversation its last commit, which erases it, and the places of those before. Atomic; repeating it changes
-- nothing.
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
if redis.call('LLEN', KEYS[1]) == last
    and redis.call('LINDEX', KEYS[1], 0) == (last == 1 and ARGV[5] or '')
    and redis.call('LINDEX', KEYS[1], -1) == ARGV[5] then
  return last
end
redis.call('DEL', KEYS[1])
local places = {}
for _ = 2, last do
  places[#places + 1] = ''
  if #places == 1000 then
    redis.call('RPUSH', KEYS[1], unpack(places))
    places = {}
  end
end
places[#places + 1] = ARGV[5]
redis.call('RPUSH', KEYS[1], unpack(places))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4] .. '#' .. last)
return last
