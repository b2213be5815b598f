import { useCallback, useEffect, useRef, useState } from 'react'
import { REALTIME_SUBSCRIBE_STATES, type RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from '@/lib/supabase'

type CursorEvent = { user: { id: number; name: string }; position: { x: number; y: number }; timestamp: number }

const useThrottleCallback = <Params extends unknown[]>(callback: (...args: Params) => void, delay: number) => {
  const lastCall = useRef(0)
  return useCallback(
    (...args: Params) => {
      const now = Date.now()
      if (now - lastCall.current < delay) return
      lastCall.current = now
      callback(...args)
    },
    [callback, delay],
  )
}

export const useRealtimeCursors = ({ roomName, username, throttleMs }: { roomName: string; username: string; throttleMs: number }) => {
  const [userId] = useState(() => Math.floor(Math.random() * 1_000_000))
  const [failed, setFailed] = useState(false)
  const positions = useRef<Record<string, CursorEvent>>({})
  const channelRef = useRef<RealtimeChannel | null>(null)

  const callback = useCallback(
    (event: MouseEvent) => {
      const payload: CursorEvent = {
        position: { x: event.clientX, y: event.clientY },
        user: { id: userId, name: username },
        timestamp: Date.now(),
      }
      channelRef.current?.send({ type: 'broadcast', event: 'realtime-cursor-move', payload })
    },
    [userId, username],
  )
  const handleMouseMove = useThrottleCallback(callback, throttleMs)

  useEffect(() => {
    const channel = supabase.channel(roomName)
    channel
      .on('broadcast', { event: 'realtime-cursor-move' }, (data: { payload: CursorEvent }) => {
        if (data.payload.user.id === userId) return
        positions.current[data.payload.user.id] = data.payload
      })
      .subscribe((status) => {
        if (status === REALTIME_SUBSCRIBE_STATES.SUBSCRIBED) {
          channelRef.current = channel
          setFailed(false)
        } else {
          setFailed(true)
          channelRef.current = null
        }
      })

    return () => {
      channel.unsubscribe()
      channelRef.current = null
    }
  }, [roomName, userId])

  useEffect(() => {
    window.addEventListener('mousemove', handleMouseMove)
    return () => window.removeEventListener('mousemove', handleMouseMove)
  }, [handleMouseMove])

  return { positions, failed }
}
