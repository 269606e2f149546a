-- Holds an amount of a tenant's credit for one call, if there is as much and the call is within the tenant's limits. Atomic;
-- by Redis' own clock; the receipt makes repeating it safe: what is held stays held and counted, once, and lapses as at first.
-- Another owner gets nothing by it.
--
-- KEYS[1]  credit:{<tenant>}:state, a hash: balance, version (billing's), held, unposted (sums of the two below),
--          epoch (there: credit is open), opening and opens (from when to when it is about to, in milliseconds: before the
--          first of them the clock has gone back since, and as long is waited for from then on)
-- KEYS[2]  credit:{<tenant>}:holds, a hash: receipt to "<amount> <owner> <details>"
-- KEYS[3]  credit:{<tenant>}:expiries, a sorted set: receipt by when its hold lapses, in milliseconds. Those that have not
--          are the calls that run: one whose router died counts for no longer
-- KEYS[6]  credit:{<tenant>}:seconds, a hash: n to "<requests> <tokens> <when the last of them came, in milliseconds>" of
--          the n-th second since 1970; a second counts until 60 s after that, so that no 60 s have more than the limit and
--          nobody waits for longer
-- ARGV[1]  receipt
-- ARGV[2]  owner: who alone may settle, extend or release it
-- ARGV[3]  amount, micro-USD
-- ARGV[4]  milliseconds until the hold lapses
-- ARGV[5]  details: what to do with it then
-- ARGV[6]  tokens that the call may use
-- ARGV[7]  requests a minute, ARGV[8] tokens a minute, ARGV[9] calls at once; 0: no limit
-- ARGV[10] 1: a call over a limit is counted and held all the same
-- ARGV[11] 1: an amount of 0 needs no credit
--
-- Returns {'held', epoch, slice, over, …}, {'limited', over, milliseconds until there is room or -1 for never, …},
-- {'exhausted', available, …}, {'closed', '', …}, or {'another', ''} for the receipt of another's hold. over is all of requests, tokens
-- and concurrency that it is over, with commas, first the one to be waited for longest; slice the second where the call was counted, or empty; … is what is left of the requests and the milliseconds
-- until all of them are, and the same of the tokens.
local state = redis.call('HMGET', KEYS[1], 'balance', 'held', 'unposted', 'epoch', 'opens', 'opening')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limits = {r = tonumber(ARGV[7]), t = tonumber(ARGV[8])}
local wanted = {r = 1, t = tonumber(ARGV[6])}
local used = {r = 0, t = 0}
local slice = string.format('%.0f', math.floor(now / 1000))
local this = {r = 0, t = 0, over = now + 60000}
local slices = {}
if limits.r > 0 or limits.t > 0 then
  local fields = redis.call('HGETALL', KEYS[6])
  for i = 1, #fields, 2 do
    local r, t, last = string.match(fields[i + 1], '^(%d+) (%d+) (%d+)$')
    local each = {r = tonumber(r), t = tonumber(t), over = last + 60000}
    if each.over <= now or each.over > now + 61000 then -- over, or Redis' clock has gone back behind it
      redis.call('HDEL', KEYS[6], fields[i])
    else
      slices[#slices + 1] = each
      used.r = used.r + each.r
      used.t = used.t + each.t
      if fields[i] == slice then
        this = each
      end
    end
  end
  table.sort(slices, function(a, b) return a.over < b.over end)
end

-- milliseconds until no more than this is used
local function wait(kind, most)
  local left = used[kind]
  local free = 0
  for _, each in ipairs(slices) do
    if left <= most then
      break
    end
    if each[kind] > 0 then
      left = left - each[kind]
      free = each.over - now
    end
  end
  return free
end

local function answer(...)
  local values = {...}
  for _, kind in ipairs({'r', 't'}) do
    values[#values + 1] = string.format('%.0f', math.max(0, limits[kind] - used[kind]))
    values[#values + 1] = string.format('%.0f', wait(kind, 0))
  end
  return values
end

if not state[1] or not state[4] then
  return answer('closed', '')
end
local opens = tonumber(state[5] or 0)
local opening = tonumber(state[6] or opens - 3000) -- that long with a billing service that does not say
if now < opening then
  opens = now + math.min(opens - opening, 60000) -- not longer: one that does not say may have opened it since
  redis.call('HSET', KEYS[1], 'opening', string.format('%.0f', now), 'opens', string.format('%.0f', opens))
end
if now < opens then
  return answer('closed', '')
end

local lapses = string.format('%.0f', now + ARGV[4])
local hold = redis.call('HGET', KEYS[2], ARGV[1])
if hold then
  if string.match(hold, '^%d+ (%S+)') ~= ARGV[2] then
    return {'another', ''}
  end
  -- that it lapses as at first tells when it came, and so what it was counted in, however often it is repeated; what it was over
  -- then is not known any more
  redis.call('ZADD', KEYS[3], 'NX', lapses, ARGV[1])
  local first = redis.call('ZSCORE', KEYS[3], ARGV[1])
  local counted = (limits.r > 0 or limits.t > 0) and string.format('%.0f', math.floor((first - ARGV[4]) / 1000)) or ''
  return answer('held', state[4], counted, '')
end

local over = ''
local longest = 0
local function isOver(limit, free)
  if over == '' then
    over, longest = limit, free
  elseif free > longest then
    over, longest = limit .. ',' .. over, free
  else
    over = over .. ',' .. limit
  end
end
for _, limit in ipairs({{'r', 'requests'}, {'t', 'tokens'}}) do
  local kind = limit[1]
  if limits[kind] > 0 and used[kind] + wanted[kind] > limits[kind] then
    isOver(limit[2], wanted[kind] > limits[kind] and math.huge or wait(kind, limits[kind] - wanted[kind]))
  end
end
local concurrent = tonumber(ARGV[9])
if concurrent > 0
  and redis.call('ZCOUNT', KEYS[3], '(' .. string.format('%.0f', now), '+inf') >= concurrent then
  isOver('concurrency', 1000)
end
if over ~= '' and ARGV[10] ~= '1' then
  return answer('limited', over, longest == math.huge and '-1' or string.format('%.0f', longest))
end

local available = state[1] - (state[2] or 0) - (state[3] or 0)
local amount = tonumber(ARGV[3])
if (available <= 0 or available < amount) and (amount > 0 or ARGV[11] ~= '1') then
  return answer('exhausted', string.format('%.0f', available))
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' ' .. ARGV[2] .. ' ' .. ARGV[5])
if redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('HSET', KEYS[1], 'swept', string.format('%.0f', now)) -- nobody has looked while there was nothing: no jump
end
redis.call('ZADD', KEYS[3], lapses, ARGV[1])
redis.call('HINCRBY', KEYS[1], 'held', ARGV[3])
local counted = ''
if limits.r > 0 or limits.t > 0 then
  counted = slice
  redis.call('HSET', KEYS[6], slice, string.format('%.0f %.0f %.0f', this.r + wanted.r, this.t + wanted.t, now))
  redis.call('PEXPIRE', KEYS[6], 61000)
  for kind, amount in pairs(wanted) do
    used[kind] = used[kind] + amount
  end
  slices[#slices + 1] = {r = wanted.r, t = wanted.t, over = now + 60000}
end
return answer('held', state[4], counted, over)
