-- wrk script: native events, each with an id of its own.
-- Arguments: key, events per request, occurred_at, name of the run. Prints one JSON line at the end.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

-- So many requests of a batch are put together beforehand and sent in turn: a generator that takes
-- its time from the service would be measured, too. A segment holds no more events than they do.
local prepared = 320

-- Everything of an event but its id, which is where the format wants a string.
local function form(n)
  return string.format('{"event_id":"%%s","occurred_at":"%s","provider":"openai",'
    .. '"request_model":"gpt-4o","user_id":"u-%d","team_id":"search","region":"westeurope",'
    .. '"operation":"chat","input_tokens":%d,"output_tokens":%d}',
    moment, 4711 + n % 100, 1200 + n, 350 + n % 50)
end

local function body(name)
  local events = {}
  for n = 1, batch do
    events[n] = string.format(form(n), name .. '-' .. n)
  end
  return '[' .. table.concat(events, ',') .. ']'
end

function init(arguments)
  batch, moment = tonumber(arguments[2]), arguments[3]
  prefix, count, requests = arguments[4] .. '-' .. number .. '-', 0, {}
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  wrk.headers["x-api-key"] = arguments[1]
  before, after = form(0):match('^(.-)%%s(.*)$')
  for n = 1, batch > 1 and prepared or 0 do
    requests[n] = wrk.format(nil, nil, nil, body(prefix .. n))
  end
end

function request()
  if batch == 1 then
    count = count + 1
    return wrk.format(nil, nil, nil, before .. prefix .. count .. after)
  end
  count = count % prepared + 1
  return requests[count]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
