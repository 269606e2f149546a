-- Takes from a limit that all gateways share: a token bucket, kept as the time at which it is full again (GCRA). The clock is
-- the node's own, so that no two gateways' clocks matter.
--
-- KEYS[1]  rate:{<tenant>}:…   when it is full again, in microseconds since 1970; absent: it is full
-- ARGV[1]  tokens a second
-- ARGV[2]  tokens that it holds when full
-- ARGV[3]  tokens that are needed; with fewer nothing is taken
-- ARGV[4]  tokens that are wanted: so many are taken if there are as many, else what there is
--
-- Returns how many were taken, how many are left, and in how many microseconds as many as are needed will be there; 0 if they were taken.
local each = 1000000 / tonumber(ARGV[1])
local burst = tonumber(ARGV[2])
local needed = tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
-- never later than an empty bucket: the limit may be another than before, and the clock another node's
local full = math.min(math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0')), now + burst * each)
local there = math.floor(burst - (full - now) / each + 1e-6)
if there < needed then
    return { 0, math.max(0, there), math.ceil((needed - there) * each) }
end
local taken = math.min(there, tonumber(ARGV[4]))
full = full + taken * each
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
return { taken, there - taken, 0 }
