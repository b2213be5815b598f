import { useEffect, useState } from 'react'
import { supabase } from '../supabase'

type Point = { by: string; x: number; y: number }

export function Strokes({ board, me }: { board: string; me: string }) {
  const [points, setPoints] = useState<Point[]>([])

  useEffect(() => {
    const channel = supabase
      .channel(`board:${board}`)
      .on('broadcast', { event: 'stroke' }, ({ payload }) => {
        setPoints((before) => before.concat(payload as Point))
      })
      .subscribe((status, error) => error && console.error(status, error))

    const draw = (event: MouseEvent) => {
      if (event.buttons !== 1) return
      void channel.send({ type: 'broadcast', event: 'stroke', payload: { by: me, x: event.pageX, y: event.pageY } })
    }
    document.addEventListener('mousemove', draw)

    return () => {
      document.removeEventListener('mousemove', draw)
      void supabase.removeChannel(channel)
    }
  }, [board, me])

  return (
    <svg>
      {points.map((point, index) => (
        <circle key={index} cx={point.x} cy={point.y} r={2} />
      ))}
    </svg>
  )
}
