-- SPDX-License-Identifier: Apache-2.0

create view planet_overview as
select
    planets.id,
    planets.name,
    planets.kind,
    planets.radius_km,
    (select count(*) from moons where moons.planet_id = planets.id) as moons_listed,
    (select count(distinct mission_id) from mission_targets
     where mission_targets.planet_id = planets.id) as missions_sent
from planets;
comment on view planet_overview is 'Each planet with how many moons and missions are listed';

-- With the rights of whoever asks, so that the tables' policies hold here too. PostgreSQL 14 cannot
-- say so; what the view counts is public anyway.
do $$
begin
    if current_setting('server_version_num')::integer >= 150000 then
        alter view planet_overview set (security_invoker = true);
    end if;
end $$;

create function planets_larger_than(min_radius_km numeric) returns setof planets
language sql stable as $$
    select * from planets where radius_km > min_radius_km order by radius_km desc
$$;
comment on function planets_larger_than is 'The planets above a radius, largest first';

-- GM/r², with G in km³/(kg·s²) and the result in m/s².
create function surface_gravity(planet text) returns numeric
language sql stable as $$
    select round(6.67430e-20 * mass_1e24_kg * 1e24 / (radius_km * radius_km) * 1000, 2)
    from planets where name = planet
$$;
comment on function surface_gravity is 'Mean gravitational acceleration at the surface, in m/s²';
