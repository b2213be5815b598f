create table comments (
  id uuid primary key default gen_random_uuid(),
  post_id uuid not null,
  content text not null,
  likes integer not null default 0
);
alter table comments enable row level security;
create policy "read comments" on comments for select using (true);
create index comments_post_id on comments (post_id);
do $$
begin
  if not exists (select 1 from pg_publication_tables where pubname = 'supabase_realtime' and tablename = 'comments') then
    alter publication supabase_realtime add table comments;
  end if;
end
$$;
