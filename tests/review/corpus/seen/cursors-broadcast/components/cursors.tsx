'use client'

import { useEffect, useRef, useState } from 'react'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from '@/lib/supabase'

type Cursor = { id: string; x: number; y: number }

export function Cursors({ documentId, me }: { documentId: string; me: string }) {
  const [cursors, setCursors] = useState<Record<string, Cursor>>({})
  const [joined, setJoined] = useState(false)
  const channelRef = useRef<RealtimeChannel | null>(null)

  useEffect(() => {
    const channel = supabase.channel(`document:${documentId}:cursors`, { config: { private: true } })
    channel
      .on('broadcast', { event: 'cursor' }, ({ payload }) => {
        setCursors((all) => ({ ...all, [payload.id]: payload }))
      })
      .subscribe((status) => setJoined(status === 'SUBSCRIBED'))
    channelRef.current = channel

    return () => {
      channelRef.current = null
      supabase.removeChannel(channel)
    }
  }, [documentId])

  useEffect(() => {
    const onMove = (event: PointerEvent) => {
      channelRef.current?.send({
        type: 'broadcast',
        event: 'cursor',
        payload: { id: me, x: event.clientX, y: event.clientY },
      })
    }
    window.addEventListener('pointermove', onMove)
    return () => window.removeEventListener('pointermove', onMove)
  }, [me])

  return <div hidden={!joined}>{Object.values(cursors).map((c) => <i key={c.id} style={{ left: c.x, top: c.y }} />)}</div>
}
