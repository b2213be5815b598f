'use client'

import { useEffect, useRef, useState } from 'react'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from '@/lib/supabase'

export function Composer({ roomId, userId }: { roomId: string; userId: string }) {
  const [text, setText] = useState('')
  const [ready, setReady] = useState(false)
  const channelRef = useRef<RealtimeChannel>()

  useEffect(() => {
    const channel = supabase.channel(`composer:${roomId}`, { config: { presence: { key: userId } } })
    channelRef.current = channel
    channel.subscribe((status) => setReady(status === 'SUBSCRIBED'))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [roomId, userId])

  return (
    <textarea
      disabled={!ready}
      value={text}
      onChange={(event) => {
        setText(event.target.value)
        channelRef.current?.track({ typing: event.target.value.length > 0 })
      }}
    />
  )
}
