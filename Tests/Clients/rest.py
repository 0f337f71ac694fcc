# SPDX-License-Identifier: Apache-2.0
"""Drives the demo schema with the PostgREST client: rest.py URL ANON USER OTHER SERVICE."""
import sys
from postgrest import SyncPostgrestClient
from postgrest.exceptions import APIError

url, *tokens = sys.argv[1:]
held = 0


def client(token):
    return SyncPostgrestClient(url, headers={"Authorization": f"Bearer {token}"})


def expect(found, wanted, what):
    global held
    if found != wanted:
        sys.exit(f"{what}: expected {wanted!r}, found {found!r}")
    held += 1


def code(request):
    try:
        request.execute()
    except APIError as error:
        return error.code
    return None


anon, user, other, service = map(client, tokens)

planets = anon.table("planets").select("id, name").order("distance_au").execute().data
expect([row["name"] for row in planets[:3]], ["Mercury", "Venus", "Earth"], "order")
expect(len(planets), 8, "rows")
counted = anon.table("moons").select("*", count="exact").eq("planet_id", 5).limit(1).execute()
expect((counted.count, len(counted.data)), (4, 1), "exact count")
one = anon.table("planets").select("name, moons(name)").eq("name", "Neptune").single().execute().data
expect(one, {"name": "Neptune", "moons": [{"name": "Triton"}]}, "to-many embedding of one object")
many = anon.table("missions").select("name, planets!inner(name)").eq("planets.name", "Mercury").order("name").execute().data
expect([row["name"] for row in many], ["MESSENGER", "Mariner 10"], "many-to-many, inner")
expect(anon.table("moons").select("name, planets(kind)").eq("name", "Titan").execute().data,
       [{"name": "Titan", "planets": {"kind": "gas giant"}}], "to-one embedding")
expect([row["name"] for row in anon.table("planets").select("name").or_("radius_km.gt.60000,name.like.M*").order("name").execute().data],
       ["Jupiter", "Mars", "Mercury"], "or")
expect(anon.table("planets").select("name").in_("id", [3, 4]).range(1, 1).order("id").execute().data, [{"name": "Mars"}], "in and range")
expect([row["name"] for row in anon.rpc("planets_larger_than", {"min_radius_km": 50000}).execute().data], ["Jupiter", "Saturn"], "function with rows")
expect(float(anon.rpc("surface_gravity", {"planet": "Earth"}).execute().data), 9.82, "function with a value")
expect(len(anon.table("planet_overview").select("name").gt("moons_listed", 3).execute().data), 3, "view")

expect(code(anon.table("nowhere").select("*")), "PGRST205", "unknown table")
expect(code(anon.table("planets").select("nothing")), "42703", "unknown column")
expect(code(anon.table("planets").select("*").single()), "PGRST116", "several where one was wanted")

mine = user.table("observations").insert({"planet_id": 6, "note": "Rings!"}).execute().data[0]
expect(mine["observer"], "16100107-0000-4000-8000-00000000000a", "the writer's identity")
expect(len(other.table("observations").select("*").execute().data), 1, "what others see: the public one")
user.table("observations").update({"is_public": True}).eq("id", mine["id"]).execute()
expect(len(other.table("observations").select("*").execute().data), 2, "what others see once it is public")
other.table("observations").delete().eq("id", mine["id"]).execute()
expect(len(user.table("observations").select("*").eq("id", mine["id"]).execute().data), 1, "nobody deletes another's")

service.table("planets").upsert(
    [{"id": 3, "name": "Earth", "kind": "terrestrial", "radius_km": 6371.0, "mass_1e24_kg": 5.97, "distance_au": 1, "orbital_period_days": 365.25}]
).execute()
expect(float(anon.table("planets").select("orbital_period_days").eq("id", 3).execute().data[0]["orbital_period_days"]), 365.25, "upsert")
service.table("observations").delete().eq("id", mine["id"]).execute()
expect(service.table("observations").select("*").eq("id", mine["id"]).execute().data, [], "the service key deletes")
print(f"all {held} expectations hold")
