-- Looks for a kept answer, and gives the right to make it to one of those who find none. Atomic.
--
-- KEYS[1]  llm-cache:{<tenant>}:<digest>, a string: "a" and the answer, or "r" and the owner of the call that makes it
-- ARGV[1]  owner
-- ARGV[2]  milliseconds until the right is free again, unless it is renewed; 0: it is not asked for
--
-- Returns {'hit', answer}, {'mine', ''}, {'running', owner}, or {'none', ''}.
local kept = redis.call('GET', KEYS[1])
if kept then
  return {string.sub(kept, 1, 1) == 'a' and 'hit' or 'running', string.sub(kept, 2)}
end
if ARGV[2] == '0' then
  return {'none', ''}
end
redis.call('SET', KEYS[1], 'r' .. ARGV[1], 'PX', ARGV[2])
return {'mine', ''}
