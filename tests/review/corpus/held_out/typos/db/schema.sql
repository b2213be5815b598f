create table todos (
  id serial primary key,
  list_id integer not null,
  done boolean not null default false
);

create table lists (
  id integer,
  name text
);

create table secrets (
  id serial primary key,
  value text
);
alter table secrets enable row level security;
alter table todos enable row level security;
alter table lists enable row level security;
create policy todos_read on todos for select to anon using (true);
create policy lists_read on lists for select to anon using (true);
