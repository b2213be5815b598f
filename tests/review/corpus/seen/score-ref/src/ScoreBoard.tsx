import { useEffect, useRef, useState } from 'react'
import { supabase } from './supabase'

export function ScoreBoard({ matchId }: { matchId: string }) {
  const [score, setScore] = useState([0, 0])
  const [live, setLive] = useState(false)
  const channel = useRef(supabase.channel(`match-${matchId}`))

  useEffect(() => {
    const current = channel.current
    current
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'matches', filter: `id=eq.${matchId}` },
        (payload) => setScore([payload.new.home, payload.new.away]),
      )
      .subscribe((status) => setLive(status === 'SUBSCRIBED'))

    return () => {
      supabase.removeChannel(current)
    }
  }, [matchId])

  return (
    <h1 className={live ? 'live' : ''}>
      {score[0]} : {score[1]}
    </h1>
  )
}
