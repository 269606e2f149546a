-- Puts shorter forms of commits in their places. Atomic; repeating it changes nothing.
--
-- KEYS[1]  thread:<tenant>:{<conversation>}:commits, a list: its i-th element is commit i
-- ARGV[…]  for each of them three: its number, the length of the form that is to go, the shorter form
--
-- A commit never changes but for getting shorter, so its length says which form is there: one that was pruned or erased
-- meanwhile is left as it is, and so is a list that has gone.
--
-- A Redis that is out of memory would refuse LSET, which may take some, as the first write. LTRIM it lets in, and all
-- after it; this one changes nothing.
--
-- Returns the number of bytes freed.
redis.call('LTRIM', KEYS[1], 0, -1)
local freed = 0
for i = 1, #ARGV, 3 do
  local place = ARGV[i] - 1
  local there = redis.call('LINDEX', KEYS[1], place)
  if there and #there == tonumber(ARGV[i + 1]) then
    redis.call('LSET', KEYS[1], place, ARGV[i + 2])
    freed = freed + #there - #ARGV[i + 2]
  end
end
return freed
