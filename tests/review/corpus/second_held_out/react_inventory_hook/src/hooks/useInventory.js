import { useState } from 'react'
import { supabase } from '../supabase'

export function useInventory(warehouseId) {
  const [changed, setChanged] = useState({})

  supabase
    .channel(`inventory-${warehouseId}`)
    .on(
      'postgres_changes',
      {
        event: 'UPDATE',
        schema: 'public',
        table: 'inventory',
        filter: `warehouse_id=eq.${warehouseId}`,
      },
      (payload) => {
        setChanged((prev) => ({ ...prev, [payload.new.sku]: payload.new.in_stock }))
      }
    )
    .subscribe()

  const reset = () => setChanged({})

  return { changed, reset }
}
