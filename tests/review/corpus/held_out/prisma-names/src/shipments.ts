import { supabase } from './supabase'

export function followCarrier(carrierId: number, show: (line: string) => void) {
  return supabase
    .channel(`carrier-${carrierId}`)
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'shipments', filter: `carrierId=eq.${carrierId}` },
      (payload) => show(`${payload.new.tracking_no} left at ${payload.new.shippedAt}`),
    )
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'Carrier' }, (payload) =>
      show(`carrier is now called ${payload.new.name}`),
    )
    .subscribe((status) => show(status))
}
