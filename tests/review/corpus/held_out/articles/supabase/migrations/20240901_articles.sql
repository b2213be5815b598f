create table public.articles (
  id bigint primary key generated always as identity,
  slug text unique not null,
  title text not null,
  content text not null,
  metadata jsonb
);

create table public.comments (
  id bigint primary key generated always as identity,
  article bigint not null references public.articles (id),
  visible boolean not null default true
);

alter table public.comments enable row level security;
create policy "visible comments" on public.comments for select using (visible);
create index comments_visible on public.comments (visible);
