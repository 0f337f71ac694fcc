-- SPDX-License-Identifier: Apache-2.0
-- One kind of request over and over, made before the clock starts; %d in its path is a random key.
local path, method, turn, made = os.getenv("REST_PATH"), os.getenv("REST_METHOD"), 0, {}
function init(args)
  math.randomseed(42)
  local body = os.getenv("REST_BODY") and io.open(os.getenv("REST_BODY")):read("*a")
  local fields = { Authorization = "Bearer " .. os.getenv("TOKEN"), ["Content-Type"] = "application/json" }
  for index = 1, path:find("%%d") and 8192 or 1 do
    made[index] = wrk.format(method, (path:gsub("%%d", tostring(math.random(100000)))), fields, body)
  end
end
function request()
  turn = turn % #made + 1
  return made[turn]
end
