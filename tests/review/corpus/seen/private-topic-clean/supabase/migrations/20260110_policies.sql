create table public.games (
  id uuid primary key default gen_random_uuid(),
  title text not null
);
alter table public.games enable row level security;
create policy "all read games" on public.games for select to anon, authenticated using (true);

create policy "players hear their games" on realtime.messages
  for select to authenticated
  using (realtime.topic() like 'game:%');
