import { useEffect, useRef, useState } from 'react'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from '../supabase'

export function Pointers({ board, me }: { board: string; me: string }) {
  const channelRef = useRef<RealtimeChannel | null>(null)
  const [others, setOthers] = useState<Record<string, unknown[]>>({})

  useEffect(() => {
    const channel = supabase.channel(`board:${board}:pointers`, { config: { presence: { key: me } } })
    channelRef.current = channel
    channel
      .on('presence', { event: 'sync' }, () => setOthers({ ...channel.presenceState() }))
      .subscribe((status) => console.info('pointers', status))
    return () => {
      channelRef.current = null
      supabase.removeChannel(channel)
    }
  }, [board, me])

  const onPointerMove = (event: React.PointerEvent) => {
    channelRef.current?.track({ x: event.clientX, y: event.clientY })
  }

  return <div onPointerMove={onPointerMove}>{Object.keys(others).join(', ')}</div>
}
