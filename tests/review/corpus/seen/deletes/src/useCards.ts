import { useEffect, useState } from 'react'
import { supabase } from './supabase'

type Card = { id: number; board_id: string; title: string; position: number }

export function useCards(boardId: string) {
  const [cards, setCards] = useState<Card[]>([])
  const [status, setStatus] = useState('')

  useEffect(() => {
    const channel = supabase
      .channel(`cards:${boardId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'cards', filter: `board_id=eq.${boardId}` },
        (payload) => setCards((all) => [...all, payload.new as Card]),
      )
      .on(
        'postgres_changes',
        { event: 'DELETE', schema: 'public', table: 'cards', filter: `board_id=eq.${boardId}` },
        (payload) => setCards((all) => all.filter((card) => card.id !== payload.old.id)),
      )
      .subscribe(setStatus)

    return () => {
      supabase.removeChannel(channel)
    }
  }, [boardId])

  return { cards, status }
}
