import { supabase } from './supabase'

type Sink = { row(row: unknown): void; status(text: string): void }

export function watchShipments(depot: string, carrier: string, states: string[], sink: Sink) {
  const channel = supabase
    .channel(`shipments-${depot}`)
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'shipments', filter: `depot=eq.${depot}&carrier=eq.${carrier}` },
      (payload) => sink.row(payload.new),
    )
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'shipments', filter: `depot=${depot}` },
      (payload) => sink.row(payload.new),
    )
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'parcels', filter: 'state=in.open,late' },
      (payload) => sink.row(payload.new),
    )
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'parcels', filter: `state=in.(${states.join(',')})` },
      (payload) => sink.row(payload.new),
    )
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'trucks', filter: `depot=eq.${depot},state=neq.parked` },
      (payload) => sink.row(payload.new),
    )
    .on(
      'postgres_changes',
      { event: 'DELETE', table: 'trucks', filter: `id=eq.${carrier}` },
      (payload) => sink.row(payload.old),
    )
    .on(
      'postgres_changes',
      { event: 'CREATE', schema: 'public', table: 'drivers' },
      (payload) => sink.row(payload.new),
    )
    .subscribe((status) => sink.status(status))
  return () => supabase.removeChannel(channel)
}
