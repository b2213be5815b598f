import { useEffect, useRef } from 'react'
import { supabase } from './supabase'

const BETWEEN_SENDS_MS = 50

export function LaserLayer({ room, me }: { room: string; me: string }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const lasers = useRef(new Map<string, [number, number]>())

  useEffect(() => {
    const surface = canvas.current!
    let frame = 0
    let lastSent = 0

    const paint = () => {
      const context = surface.getContext('2d')!
      context.clearRect(0, 0, surface.width, surface.height)
      for (const [x, y] of lasers.current.values()) context.fillRect(x - 2, y - 2, 4, 4)
      frame = requestAnimationFrame(paint)
    }
    frame = requestAnimationFrame(paint)

    const channel = supabase
      .channel(`laser:${room}`)
      .on('broadcast', { event: 'laser' }, ({ payload }) => {
        lasers.current.set(payload.me, [payload.x, payload.y])
      })
      .on('broadcast', { event: 'off' }, ({ payload }) => {
        lasers.current.delete(payload.me)
      })
      .subscribe((status) => {
        surface.dataset.status = status
      })

    const move = ({ offsetX: x, offsetY: y }: PointerEvent) => {
      const now = performance.now()
      if (now - lastSent < BETWEEN_SENDS_MS) return
      lastSent = now
      channel.send({ type: 'broadcast', event: 'laser', payload: { me, x, y } })
    }
    surface.addEventListener('pointermove', move)

    return () => {
      cancelAnimationFrame(frame)
      surface.removeEventListener('pointermove', move)
      supabase.removeChannel(channel)
    }
  }, [room, me])

  return <canvas ref={canvas} width={1280} height={720} />
}
