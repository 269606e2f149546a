-- Tells the time of the node that has a tenant's keys: the one by which its holds lapse and its settlements are dated. In a
-- cluster another node's clock may differ.
--
-- KEYS[1]  credit:{<tenant>}:state, for its slot alone
--
-- Returns seconds and microseconds.
return redis.call('TIME')
