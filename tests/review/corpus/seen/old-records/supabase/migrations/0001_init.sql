create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null,
  state text not null default 'open',
  assignee uuid
);
alter table public.tasks enable row level security;
create policy "members read" on public.tasks for select to authenticated using (true);
alter publication supabase_realtime add table public.tasks;

create table public.timers (
  id uuid primary key default gen_random_uuid(),
  task_id uuid not null,
  seconds integer not null default 0
);
alter table public.timers enable row level security;
create policy "members read timers" on public.timers for select to authenticated using (true);
alter table public.timers replica identity full;
alter publication supabase_realtime add table public.timers;
