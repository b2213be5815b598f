'use client'

import { useEffect, useReducer } from 'react'
import { createClient } from '@/utils/supabase/client'

type Bid = { id: number; lot_id: number; amount: number; bidder: string }
type Action = { type: 'placed' | 'raised'; bid: Bid } | { type: 'withdrawn'; id: number }

function reducer(bids: Bid[], action: Action): Bid[] {
  switch (action.type) {
    case 'placed':
      return [action.bid, ...bids]
    case 'raised':
      return bids.map((bid) => (bid.id === action.bid.id ? action.bid : bid))
    case 'withdrawn':
      return bids.filter((bid) => bid.id !== action.id)
  }
}

const supabase = createClient()

export default function BidHistory({ lotId, initial }: { lotId: number; initial: Bid[] }) {
  const [bids, dispatch] = useReducer(reducer, initial)

  useEffect(() => {
    const channel = supabase.channel(`lot-${lotId}-bids`)

    channel
      .on<Bid>(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'bids', filter: `lot_id=eq.${lotId}` },
        (payload) => {
          switch (payload.eventType) {
            case 'INSERT':
              dispatch({ type: 'placed', bid: payload.new })
              break
            case 'UPDATE':
              dispatch({ type: 'raised', bid: payload.new })
              break
            case 'DELETE':
              if (payload.old.id) dispatch({ type: 'withdrawn', id: payload.old.id })
          }
        },
      )
      .subscribe((status) => {
        switch (status) {
          case 'SUBSCRIBED':
            return
          case 'CHANNEL_ERROR':
          case 'TIMED_OUT':
            console.warn(`bids of lot ${lotId}: ${status}`)
        }
      })

    return () => {
      channel.unsubscribe()
    }
  }, [lotId])

  return <ol>{bids.map((bid) => <li key={bid.id}>{bid.bidder}: {bid.amount}</li>)}</ol>
}
