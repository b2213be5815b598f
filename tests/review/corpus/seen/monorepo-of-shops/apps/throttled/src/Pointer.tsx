import throttle from 'lodash/throttle'
import { useEffect, useRef, useState } from 'react'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from './supabase'

export function Pointer({ canvas, me }: { canvas: string; me: string }) {
  const [live, setLive] = useState(false)
  const dots = useRef(new Map<string, [number, number]>())
  const channel = useRef<RealtimeChannel | null>(null)

  useEffect(() => {
    const room = supabase.channel(`canvas:${canvas}`)
    room
      .on('broadcast', { event: 'pointer' }, ({ payload }) => {
        dots.current.set(payload.who, payload.at)
      })
      .subscribe((status) => setLive(status === 'SUBSCRIBED'))
    channel.current = room
    return () => {
      supabase.removeChannel(room)
    }
  }, [canvas])

  const send = throttle((at: [number, number]) => {
    channel.current?.send({ type: 'broadcast', event: 'pointer', payload: { who: me, at } })
  }, 50)

  return <div data-live={live} onPointerMove={(event) => send([event.clientX, event.clientY])} />
}
