create table documents (
  id uuid primary key default gen_random_uuid(),
  folder_id uuid not null,
  title text not null,
  content jsonb not null default '{}',
  locked_by text,
  updated_at timestamptz not null default now()
);

create index documents_folder_id_idx on documents (folder_id);

create table pins (
  id uuid primary key default gen_random_uuid(),
  folder_id uuid not null,
  label text not null
);
