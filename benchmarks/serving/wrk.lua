-- wrk sends the image files of its command line in turn, and prints one line of JSON at the end.
-- Each wrk thread runs `init`, `request` and `response` in its own Lua state; `setup` and `done` run in another one.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(files)
  requests, position, responses, without_retry_after = {}, 0, {}, 0
  for _, path in ipairs(files) do
    local file = assert(io.open(path, "rb"))
    local headers = { ["Content-Type"] = "image/png" }
    table.insert(requests, wrk.format("POST", nil, headers, file:read("*a")))
    file:close()
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

local function has_retry_after(headers)
  for name in pairs(headers) do
    if name:lower() == "retry-after" then
      return true
    end
  end
  return false
end

function response(status, headers)
  responses[status] = (responses[status] or 0) + 1
  if (status == 429 or status == 503) and not has_retry_after(headers) then
    without_retry_after = without_retry_after + 1
  end
end

function done(summary, latency)
  local counts, total_without = {}, 0
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("responses")) do
      counts[status] = (counts[status] or 0) + count
    end
    total_without = total_without + thread:get("without_retry_after")
  end
  local entries = {}
  for status, count in pairs(counts) do
    table.insert(entries, string.format('"%d": %d', status, count))
  end
  local errors = summary.errors
  print(string.format(
    '{"seconds": %.6f, "responses": {%s}, "without_retry_after": %d, "broken": %d, "timed_out": %d, "p50": %.3f, "p99": %.3f}',
    summary.duration / 1e6, table.concat(entries, ", "), total_without,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
