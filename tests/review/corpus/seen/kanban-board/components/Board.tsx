import { useEffect, useReducer } from 'react'
import { createClient } from '@/utils/supabase/client'
import { boardReducer, emptyBoard } from './reducer'

const supabase = createClient()

export function Board({ boardId }: { boardId: string }) {
  const [board, dispatch] = useReducer(boardReducer, emptyBoard)

  useEffect(() => {
    const report = (status: string) => dispatch({ type: 'status', status })

    const columns = supabase
      .channel(`board-columns-${boardId}`)
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'columns', filter: `board_id=eq.${boardId}` },
        (payload) => dispatch({ type: 'column', payload }),
      )
      .subscribe(report)

    const cards = supabase
      .channel(`board-cards-${boardId}`)
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'cards', filter: `board_id=eq.${boardId}` },
        (payload) => dispatch({ type: 'card', payload }),
      )
      .subscribe(report)

    const labels = supabase
      .channel(`board-labels-${boardId}`)
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'labels', filter: `board_id=eq.${boardId}` },
        (payload) => dispatch({ type: 'label', payload }),
      )
      .subscribe(report)

    return () => {
      supabase.removeChannel(columns)
      supabase.removeChannel(cards)
      supabase.removeChannel(labels)
    }
  }, [boardId])

  return <pre>{JSON.stringify(board, null, 2)}</pre>
}
