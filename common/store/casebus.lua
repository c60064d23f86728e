#!lua name=casebus_v1
-- The functions of Casebus that run inside Redis: one call commits a command whole; the others are what a broker writes.
--
-- Rules here: every key comes in KEYS; all checks come before the first write, because a function that fails half way keeps
-- its first writes; nothing is decided that the caller could have decided. Few redis.call()s and few, short arguments:
-- they are the cost. Bodies and records are opaque. The code is never replaced under the same name: see library.h.

-- While the library is loaded, nothing of Redis or Lua is there but register_function: the first call binds the rest.
local call, split, sub, NO_STAMP, NO_HEAD
local REMEMBER_S = '604800' -- 7 days: how long a command's first reply is kept
local function bind()
    call, split, sub = redis.call, struct.unpack, string.sub
    NO_STAMP, NO_HEAD = string.rep('\0', 24), string.rep('\0', 16)
end

-- Which of `count` aggregates from KEYS[k] is not at its stamp (version and record, bytes 8..31 of its head)? Nil: none.
local function moved(K, k, count, stamps)
    for i = 0, count - 1 do
        local now = call('GETRANGE', K[k + i], '8', '31')
        if now == '' then now = NO_STAMP end
        if now ~= sub(stamps, 24 * i + 1, 24 * i + 24) then return i end
    end
end

-- One commit, whose keys begin at K[k] and arguments at A[a]. Answers a string, and where the next commit begins.
--
--   A: plan, stamps, [remembered], [group], [due, member], [task id, dest], [record, head, sequence],
--      states, timers (due, member), cancelled timers, tasks (dest, body), entries (sort, member), removed entries
--   K: root, [command], states, guards, [log], [timers], [lanes, handled lane, lane of each task], index of each entry
--
-- Answers: C<stream id> committed, D<remembered> duplicate, X conflict, A applied, S<n> stale: the n-th aggregate,
--          M<head><sequence> <stream id>: the root has moved on.
local function commit(K, k, A, a)
    local has_command, has_record, in_group, in_timer, in_task, in_seq, states, guards, timers, cancels, tasks, puts, takes,
        fingerprint, head = split('>BBBBBI8BBBBBBBc16c16', A[a])
    local stamps = A[a + 1]
    local root = K[k]
    k, a = k + 1, a + 2

    -- Where everything of this commit lies, so that a refusal finds the next commit too.
    local command_k, command_a, group_a, timer_a, task_a, record_a
    if has_command == 1 then command_k, command_a = k, a; k, a = k + 1, a + 1 end
    if in_group == 1 then group_a = a; a = a + 1 end
    if in_timer == 1 then timer_a = a; a = a + 2 end
    if in_task == 1 then task_a = a; a = a + 2 end
    if has_record == 1 then record_a = a; a = a + 3 end
    local state_k, state_a = k, a
    k, a = k + states + guards, a + states
    local log_k, timers_k, lanes_k, in_lane_k
    if has_record == 1 then log_k = k; k = k + 1 end
    if timers + cancels + in_timer > 0 then timers_k = k; k = k + 1 end
    if tasks + in_task > 0 then lanes_k = k; k = k + 1 end
    if in_task == 1 then in_lane_k = k; k = k + 1 end
    local lane_k, entry_k = k, k + tasks
    k = entry_k + puts + takes
    local due_a = a
    local cancel_a = due_a + 2 * timers
    local put_task_a = cancel_a + cancels
    local put_a = put_task_a + 2 * tasks
    local take_a = put_a + 2 * puts
    a = take_a + takes

    -- Checks.
    if has_command == 1 then
        local old = call('GET', K[command_k])
        if old then
            if sub(old, 1, 16) == fingerprint then return 'D' .. old, k, a end
            return 'X', k, a
        end
    end
    local at
    if in_group == 1 then
        at = call('HMGET', root, 'h', 'in:' .. A[group_a])
        if at[2] and tonumber(at[2]) >= in_seq then return 'A', k, a end
    elseif has_record == 1 then
        at = {call('HGET', root, 'h')}
    end
    if in_timer == 1 and call('ZSCORE', K[timers_k], A[timer_a + 1]) ~= A[timer_a] then return 'A', k, a end
    local n = moved(K, state_k, states + guards, stamps)
    if n then return 'S' .. n, k, a end
    if has_record == 1 and (at[1] or NO_HEAD) ~= head then
        local now = call('HMGET', root, 's', 'l')
        return 'M' .. (at[1] or NO_HEAD) .. (now[1] or '0') .. ' ' .. (now[2] or '0-0'), k, a
    end

    -- Writes. Nothing below can fail: lack of memory was refused before the call.
    local id = ''
    if has_record == 1 then
        id = call('XADD', K[log_k], '*', 'r', A[record_a])
        if in_group == 1 then
            call('HSET', root, 'h', A[record_a + 1], 's', A[record_a + 2], 'l', id, 'in:' .. A[group_a], in_seq)
        else
            call('HSET', root, 'h', A[record_a + 1], 's', A[record_a + 2], 'l', id)
        end
    elseif in_group == 1 then
        call('HSET', root, 'in:' .. A[group_a], in_seq)
    end
    for i = 0, states - 1 do call('SET', K[state_k + i], A[state_a + i]) end
    if has_command == 1 then call('SET', K[command_k], A[command_a], 'EX', REMEMBER_S) end
    if in_timer == 1 then call('ZREM', K[timers_k], A[timer_a + 1]) end
    if cancels > 0 then call('ZREM', K[timers_k], unpack(A, cancel_a, put_task_a - 1)) end
    if timers > 0 then call('ZADD', K[timers_k], unpack(A, due_a, cancel_a - 1)) end
    if in_task == 1 then
        call('XDEL', K[in_lane_k], A[task_a])
        if call('XLEN', K[in_lane_k]) == 0 then call('ZREM', K[lanes_k], A[task_a + 1]) end
    end
    for i = 0, tasks - 1 do
        call('XADD', K[lane_k + i], '*', 't', A[put_task_a + 2 * i + 1])
        call('ZADD', K[lanes_k], 0, A[put_task_a + 2 * i])
    end
    for i = 0, puts - 1 do call('ZADD', K[entry_k + i], A[put_a + 2 * i], A[put_a + 2 * i + 1]) end
    for i = 0, takes - 1 do call('ZREM', K[entry_k + puts + i], A[take_a + i]) end
    return 'C' .. id, k, a
end

-- One commit, or several of one partition; each on its own. Answers one string, or one each.
redis.register_function('cb_commit', function(K, A)
    if not call then bind() end
    local answer, k, a = commit(K, 1, A, 1)
    if not A[a] then return answer end
    local answers = {answer}
    repeat
        answer, k, a = commit(K, k, A, a)
        answers[#answers + 1] = answer
    until not A[a]
    return answers
end)

-- ---- what a broker writes, fenced by its lease -------------------------------------------------------------------

-- Whether KEYS[1], the lease, is held by this owner under this epoch. (Its end is not looked at: nobody else has it.)
local function fenced(K, A)
    local own = call('HMGET', K[1], 'o', 'e')
    return own[1] ~= A[1] or own[2] ~= A[2]
end

local function now_ms()
    local t = call('TIME')
    return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function register(name, flags, callback)
    redis.register_function{function_name = name, flags = flags, callback = function(K, A)
        if not call then bind() end
        return callback(K, A)
    end}
end

local function broker(name, callback)
    register(name, {'allow-oom'}, callback)
end

local function fenced_broker(name, callback)
    broker(name, function(K, A)
        if fenced(K, A) then return redis.error_reply('FENCED the lease is held by another owner or epoch') end
        return callback(K, A)
    end)
end

-- K: lease. A: owner, ttl ms (0 gives it up). Answers owner, epoch, now, until, and 1 when it did what was asked.
broker('cb_lease', function(K, A)
    local own = call('HMGET', K[1], 'o', 'e', 'u')
    local owner, epoch, till, now, ttl = own[1], tonumber(own[2] or 0), tonumber(own[3] or 0), now_ms(), tonumber(A[2])
    -- The clock was set back: nobody asks for so long a time. Without this a dead owner's lease would last until then.
    if ttl > 0 and till - now > 4 * ttl then till = 0 end
    if owner ~= A[1] and (till > now or ttl == 0) then
        return {owner or '', epoch, now, till, ttl == 0 and 1 or 0}
    end
    -- Whoever let it lapse gets a new epoch too: somebody may have acted meanwhile on not seeing it held.
    if owner ~= A[1] or till <= now then epoch = epoch + 1 end
    till = ttl == 0 and 0 or now + ttl
    call('HSET', K[1], 'o', A[1], 'e', epoch, 'u', till)
    return {A[1], epoch, now, till, 1}
end)

-- K: lease, cursors. A: owner, epoch, group, stream id, group, stream id, ...
fenced_broker('cb_ack', function(K, A)
    call('HSET', K[2], unpack(A, 3))
    return 1
end)

-- K: lease, attempts. A: owner, epoch, tenant:root:sequence. Answers how many so far.
fenced_broker('cb_attempt', function(K, A)
    return call('HINCRBY', K[2], A[3], 1)
end)

-- K: lease, dead letters, parked, attempts. A: owner, epoch, tenant:root, sequence, stream id, reason.
fenced_broker('cb_dead', function(K, A)
    local attempt = A[3] .. ':' .. A[4]
    local entry = 'p ' .. A[4] .. ' ' .. A[5]
    if call('HGET', K[3], A[3]) == entry then return 1 end
    local attempts = call('HGET', K[4], attempt) or '0'
    call('XADD', K[2], '*', 'r', A[3], 's', A[4], 'l', A[5], 'w', A[6], 'n', attempts)
    call('HSET', K[3], A[3], entry)
    call('HDEL', K[4], attempt)
    return 1
end)

-- K: lease, parked. A: owner, epoch, tenant:root, next sequence (0: caught up), its stream id. 0: it is not draining.
fenced_broker('cb_drain', function(K, A)
    local entry = call('HGET', K[2], A[3])
    if not entry or sub(entry, 1, 1) ~= 'd' then return 0 end
    if A[4] == '0' then
        call('HDEL', K[2], A[3])
    else
        call('HSET', K[2], A[3], 'd ' .. A[4] .. ' ' .. A[5])
    end
    return 1
end)

-- K: lease, lane, lanes. A: owner, epoch, dest, stream id. 0: it was gone.
fenced_broker('cb_task_done', function(K, A)
    local gone = call('XDEL', K[2], A[4])
    if call('XLEN', K[2]) == 0 then call('ZREM', K[3], A[3]) end
    return gone
end)

-- ---- what an operator writes: not fenced, harmless when repeated ---------------------------------------------------

-- K: dead letters, parked. A: letter, tenant:root. The root is read again from its first unhandled record.
broker('cb_retry', function(K, A)
    local entry = call('HGET', K[2], A[2])
    if not entry then return 0 end
    call('HSET', K[2], A[2], 'd' .. sub(entry, 2))
    call('XDEL', K[1], A[1])
    return 1
end)

-- K: dead letters, parked, root. A: letter, tenant:root, group, sequence. The record counts as handled for ever.
broker('cb_skip', function(K, A)
    local entry = call('HGET', K[2], A[2])
    local at = entry and string.match(entry, '^p ' .. A[4] .. ' (.*)$')
    if not at then return 0 end
    local mark = 'in:' .. A[3]
    local handled = tonumber(call('HGET', K[3], mark) or 0)
    if handled < tonumber(A[4]) then call('HSET', K[3], mark, A[4]) end
    call('HSET', K[2], A[2], 'd ' .. string.format('%.0f', A[4] + 1) .. ' ' .. at)
    call('XDEL', K[1], A[1])
    return 1
end)

-- ---- reads ---------------------------------------------------------------------------------------------------------

-- K: timers. A: count, how many of the due to pass over. Answers now, when the first one that is not due yet will be (or -1), and member, due of those due.
register('cb_timers_due', {'no-writes', 'allow-oom'}, function(K, A)
    local now = now_ms()
    local due = call('ZRANGEBYSCORE', K[1], '-inf', now, 'WITHSCORES', 'LIMIT', A[2], A[1])
    local after = call('ZRANGEBYSCORE', K[1], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    return {now, after[2] or '-1', due}
end)
