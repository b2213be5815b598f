create table conversations (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null references auth.users (id),
  title text
);

create table reactions (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references conversations (id),
  emoji text not null
);

create table alerts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id),
  label text not null
);

create index alerts_user_id_idx on alerts (user_id);

alter table conversations enable row level security;
alter table alerts enable row level security;

create policy "owner reads" on conversations
  for select to authenticated
  using (owner_id = auth.uid());

create policy "anyone signed in may raise" on alerts
  for insert to authenticated
  with check (true);

alter publication supabase_realtime add table conversations, alerts;
