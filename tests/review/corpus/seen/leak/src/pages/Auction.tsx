import { useEffect, useState } from 'react'
import { useParams } from 'react-router-dom'
import { supabase } from '../supabase'

export default function Auction() {
  const { auctionId } = useParams()
  const [bid, setBid] = useState<number | null>(null)
  const [connected, setConnected] = useState(false)

  useEffect(() => {
    supabase
      .channel(`auction-${auctionId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'bids', filter: `auction_id=eq.${auctionId}` },
        (payload) => setBid(payload.new.amount),
      )
      .subscribe((status) => setConnected(status === 'SUBSCRIBED'))
  }, [auctionId])

  return <output data-connected={connected}>{bid ?? '–'}</output>
}
