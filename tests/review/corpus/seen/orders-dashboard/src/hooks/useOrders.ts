import { useEffect, useState } from 'react'
import { supabase } from '../lib/client'
import type { Order } from '../types'

const TABLE = 'orders'

export function useOrders(storeId: string) {
  const [orders, setOrders] = useState<Order[]>([])
  const [error, setError] = useState<string | null>(null)

  useEffect(() => {
    supabase
      .from(TABLE)
      .select('*')
      .eq('store_id', storeId)
      .then(({ data }) => setOrders(data ?? []))

    const channel = supabase
      .channel(`orders-${storeId}`)
      .on('postgres_changes', { event: '*', schema: 'public', table: TABLE }, (payload) => {
        if (payload.eventType === 'UPDATE') {
          const changed = payload.new as Order
          setOrders((all) => all.map((order) => (order.id === changed.id ? changed : order)))
        }
      })
      .subscribe((status, err) => {
        setError(status === 'SUBSCRIBED' ? null : err?.message ?? status)
      })

    return () => void supabase.removeChannel(channel)
  }, [storeId])

  return { orders, error }
}
