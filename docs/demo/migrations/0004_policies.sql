-- SPDX-License-Identifier: Apache-2.0
-- Everybody may read the catalog of the sky; only the service key may change it. Observations
-- belong to who wrote them, and the others see those that are public.

alter table planets enable row level security;
alter table moons enable row level security;
alter table missions enable row level security;
alter table mission_targets enable row level security;

create policy "planets are for everybody" on planets for select using (true);
create policy "moons are for everybody" on moons for select using (true);
create policy "missions are for everybody" on missions for select using (true);
create policy "targets are for everybody" on mission_targets for select using (true);

create table observations (
    id bigint primary key generated always as identity,
    observer uuid not null default auth.uid(),
    planet_id integer not null references planets,
    seen_at timestamptz not null default now(),
    note text not null check (length(note) between 1 and 2000),
    is_public boolean not null default false
);
comment on table observations is 'What people saw; each their own, and what they made public';
create index observations_planet_id on observations (planet_id);

alter table observations enable row level security;

create policy "anonymous visitors read what is public" on observations
    for select to anon using (is_public);
create policy "observers read their own and what is public" on observations
    for select to authenticated using (is_public or observer = auth.uid());
create policy "observers write their own" on observations
    for insert to authenticated with check (observer = auth.uid());
create policy "observers change their own" on observations
    for update to authenticated using (observer = auth.uid()) with check (observer = auth.uid());
create policy "observers delete their own" on observations
    for delete to authenticated using (observer = auth.uid());

insert into observations (observer, planet_id, seen_at, note, is_public) values
    ('16100107-0000-4000-8000-000000000001', 5, '1610-01-07 20:00:00+00',
     'Three little stars near Jupiter, small but very bright.', true);
