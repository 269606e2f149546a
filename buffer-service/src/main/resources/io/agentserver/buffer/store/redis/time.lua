-- Redis' own clock. Of a cluster's node that has the keys, so that all who ask are told by the same one; writes nothing.
--
-- KEYS  as lease.lua has them
--
-- Returns milliseconds since 1970.
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
