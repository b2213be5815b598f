import { supabase } from './supabase'
import type { Tables } from './database.types'

const rows = new Map<number, Tables<'stock'>>()

export function watchStock(warehouse: number, render: (rows: Tables<'stock'>[]) => void, status: (text: string) => void) {
  const channel = supabase
    .channel(`stock-of-${warehouse}`)
    .on<Tables<'stock'>>(
      'postgres_changes',
      { event: '*', schema: 'public', table: 'stock', filter: `warehouse_id=eq.${warehouse}` },
      (payload) => {
        if (payload.eventType === 'DELETE') {
          rows.delete(payload.old.id!)
        } else {
          rows.set(payload.new.id, payload.new)
        }
        render([...rows.values()])
      },
    )
    .subscribe(status)
  return () => supabase.removeChannel(channel)
}
