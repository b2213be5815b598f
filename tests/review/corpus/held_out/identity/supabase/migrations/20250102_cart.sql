create table cart_items (
  id bigserial primary key,
  cart_id uuid not null,
  sku text not null,
  quantity int not null default 1
);
create index on cart_items (cart_id);
alter publication supabase_realtime add table cart_items;
