-- SPDX-License-Identifier: Apache-2.0
-- One kind of request over and over, made before the clock starts; %d in its path is a random key.
-- With REQUEST_CLIENTS=different each says something else of its client.
local path, method = os.getenv("REQUEST_PATH"), os.getenv("REQUEST_METHOD") or "GET"
local made, turn = {}, 0
function init(args)
  math.randomseed(42)
  local body = os.getenv("REQUEST_BODY") and io.open(os.getenv("REQUEST_BODY")):read("*a")
  local fields = { Authorization = "Bearer " .. os.getenv("TOKEN") }
  if body then fields["Content-Type"] = "application/json" end
  for index = 1, path:find("%%d") and 8192 or 1 do
    if os.getenv("REQUEST_CLIENTS") then fields["X-Client-Info"] = "client/" .. index end
    made[index] = wrk.format(method, (path:gsub("%%d", tostring(math.random(100000)))), fields, body)
  end
end
function request()
  turn = turn % #made + 1
  return made[turn]
end
