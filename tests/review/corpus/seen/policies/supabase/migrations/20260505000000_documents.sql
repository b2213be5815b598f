create table public.members (
  id bigint generated always as identity primary key,
  team_id uuid not null,
  user_id uuid not null
);

create table public.documents (
  id uuid primary key default gen_random_uuid(),
  team_id uuid not null,
  owner_id uuid not null,
  title text not null
);

create index documents_team_id_idx on public.documents (team_id);
create unique index members_user_team_idx on public.members (user_id, team_id);

alter table public.members enable row level security;
alter table public.documents enable row level security;

create policy "own documents"
  on public.documents for select
  to authenticated
  using (owner_id = auth.uid());

create policy "documents of the team"
  on public.documents for select
  to authenticated
  using (
    team_id in (
      select members.team_id from public.members where members.user_id = (select auth.uid())
    )
  );

alter publication supabase_realtime add table public.documents;
