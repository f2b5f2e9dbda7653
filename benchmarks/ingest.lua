-- wrk script: native events, each with an id of its own.
-- Arguments: key, events per request, occurred_at, name of the run. Prints one JSON line at the end.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  batch = tonumber(arguments[2])
  count = 0
  prefix = '{"event_id":"' .. arguments[4] .. '-' .. number .. '-'
  suffix = '","occurred_at":"' .. arguments[3] .. '","provider":"openai","request_model":"gpt-4o",'
    .. '"user_id":"u-4711","team_id":"search","region":"westeurope","operation":"chat",'
    .. '"input_tokens":1200,"output_tokens":350}'
  local events = {}
  for n = 1, batch do
    events[n] = prefix .. '%d-' .. n .. suffix
  end
  form, counts = '[' .. table.concat(events, ',') .. ']', {}
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  wrk.headers["x-api-key"] = arguments[1]
end

function request()
  count = count + 1
  if batch == 1 then
    return wrk.format(nil, nil, nil, prefix .. count .. suffix)
  end
  -- Filling in a form once costs the generator a fraction of putting every event together.
  for n = 1, batch do
    counts[n] = count
  end
  return wrk.format(nil, nil, nil, string.format(form, unpack(counts)))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
