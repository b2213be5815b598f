create table public.games (
  id uuid primary key default gen_random_uuid(),
  title text not null
);
alter table public.games enable row level security;
create policy "all read games" on public.games for select to anon, authenticated using (true);
