import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function LiveCount({ eventId }) {
  const [count, setCount] = useState(0)

  useEffect(() => {
    const channel = supabase
      .channel(`signups-${eventId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'signups', filter: `event_id=eq.${eventId}` },
        () => setCount((n) => n + 1),
      )
      .subscribe((status, error) => {
        if (error) console.error(status, error)
      })
    return () => supabase.removeChannel(channel)
  })

  return <b>{count}</b>
}
