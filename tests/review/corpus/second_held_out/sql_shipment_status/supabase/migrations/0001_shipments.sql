create table public.shipments (
  id bigint generated always as identity primary key,
  carrier text not null,
  status text not null default 'created',
  eta date
);

create table public.scan_events (
  shipment_id bigint not null references public.shipments (id),
  place text not null,
  scanned_at timestamptz not null default now()
);

create index scan_events_shipment on public.scan_events (shipment_id);
