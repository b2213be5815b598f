'use client'

import { useState } from 'react'
import { supabase } from '@/lib/supabase'

export function Stock({ sku }: { sku: string }) {
  const [quantity, setQuantity] = useState(0)
  const [status, setStatus] = useState('')

  supabase
    .channel(`stock-${sku}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'stock', filter: `sku=eq.${sku}` },
      (payload) => setQuantity(payload.new.quantity),
    )
    .subscribe((next) => setStatus(next))

  return (
    <span title={status}>
      {sku}: {quantity}
    </span>
  )
}
