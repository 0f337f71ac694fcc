-- SPDX-License-Identifier: Apache-2.0
-- One row by a random key; the requests are made before the clock starts.
local path, token, made, turn = os.getenv("ITEM_PATH"), os.getenv("TOKEN"), {}, 0
function init(args)
  math.randomseed(42)
  local fields = { Authorization = "Bearer " .. token }
  for index = 1, 8192 do
    made[index] = wrk.format("GET", (path:gsub("%%d", tostring(math.random(100000)))), fields)
  end
end
function request()
  turn = turn % #made + 1
  return made[turn]
end
