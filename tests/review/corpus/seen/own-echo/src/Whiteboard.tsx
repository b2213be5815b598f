import { useEffect, useState } from 'react'
import { supabase } from './supabase'

type Stroke = { id: string; board: string; author: string; points: number[] }

export function Whiteboard({ board, me, table = 'strokes' }: { board: string; me: string; table?: string }) {
  const [strokes, setStrokes] = useState<Stroke[]>([])
  const [state, setState] = useState('')

  useEffect(() => {
    const channel = supabase
      .channel(`board:${board}:strokes`)
      .on<Stroke>(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'strokes', filter: `board=eq.${board}` },
        ({ new: stroke }) => {
          if (stroke.author !== me) {
            setStrokes((all) => [...all, stroke])
          }
        },
      )
      .subscribe((status) => setState(status))
    return () => {
      void supabase.removeChannel(channel)
    }
  }, [board, me])

  return <svg data-state={state} data-table={table}>{strokes.map((s) => <polyline key={s.id} points={s.points.join(' ')} />)}</svg>
}
