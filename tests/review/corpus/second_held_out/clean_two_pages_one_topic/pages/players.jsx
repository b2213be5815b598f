import { useEffect, useState } from 'react'
import { supabase } from '../lib/supabase'

export default function PlayersPage() {
  const [players, setPlayers] = useState([])

  useEffect(() => {
    const channel = supabase
      .channel('page-live')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'players' }, ({ new: player }) => {
        setPlayers((prev) => [...prev, player])
      })
      .subscribe((status, err) => console.debug(status, err))
    return () => {
      channel.unsubscribe()
    }
  }, [])

  return <pre>{JSON.stringify(players, null, 2)}</pre>
}
