create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  what text not null
);
alter table audit enable row level security;
alter publication supabase_realtime add table audit;
