-- What wrk sends: the picture files named on its command line, in turn. What it tells at the end: one line of JSON.
-- Each of wrk's threads runs `init`, `request` and `response` in a world of its own; `setup` and `done` are in another.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(files)
  requests, turn, answers, silent = {}, 0, {}, 0
  for _, path in ipairs(files) do
    local file = assert(io.open(path, "rb"))
    local headers = { ["Content-Type"] = "image/png" }
    table.insert(requests, wrk.format("POST", nil, headers, file:read("*a")))
    file:close()
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

local function names_a_time(headers)
  for name in pairs(headers) do
    if name:lower() == "retry-after" then
      return true
    end
  end
  return false
end

function response(status, headers)
  answers[status] = (answers[status] or 0) + 1
  if (status == 429 or status == 503) and not names_a_time(headers) then
    silent = silent + 1
  end
end

function done(summary, latency)
  local counts, unexplained = {}, 0
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("answers")) do
      counts[status] = (counts[status] or 0) + count
    end
    unexplained = unexplained + thread:get("silent")
  end
  local listed = {}
  for status, count in pairs(counts) do
    table.insert(listed, string.format('"%d": %d', status, count))
  end
  local errors = summary.errors
  print(string.format(
    '{"seconds": %.6f, "answers": {%s}, "unexplained": %d, "broken": %d, "late": %d, "p50": %.3f, "p99": %.3f}',
    summary.duration / 1e6, table.concat(listed, ", "), unexplained,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
