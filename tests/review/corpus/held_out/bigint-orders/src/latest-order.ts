import type { orders } from '@prisma/client'
import { supabase } from './supabase'

export function onOwnOrder(shop: number, buyer: string, done: () => void) {
  return supabase
    .channel(`shop:${shop}`)
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'orders', filter: `shop=eq.${shop}` }, (payload) => {
      if (payload.new.buyer !== BigInt(buyer)) return
      done()
    })
    .subscribe((status, error) => console.debug(status, error))
}

export function onTotal(shop: number, show: (order: orders) => void) {
  return supabase
    .channel(`shop:${shop}:totals`)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'orders', filter: `shop=eq.${shop}` }, (payload) =>
      show(payload.new as orders),
    )
    .subscribe((status, error) => console.debug(status, error))
}
