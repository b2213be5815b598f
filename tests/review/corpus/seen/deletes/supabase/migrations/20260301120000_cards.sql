create table public.boards (
  id uuid primary key default gen_random_uuid(),
  name text not null
);

create table public.cards (
  id bigint generated always as identity primary key,
  board_id uuid not null references public.boards (id) on delete cascade,
  title text not null,
  position integer not null default 0
);

create index cards_board_id_idx on public.cards (board_id);

alter publication supabase_realtime add table public.cards;
