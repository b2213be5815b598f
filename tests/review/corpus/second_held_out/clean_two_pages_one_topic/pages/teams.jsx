import { useEffect, useState } from 'react'
import { supabase } from '../lib/supabase'

export default function TeamsPage() {
  const [teams, setTeams] = useState([])

  useEffect(() => {
    const channel = supabase
      .channel('page-live')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'teams' }, ({ new: team }) => {
        setTeams((prev) => [...prev, team])
      })
      .subscribe((status, err) => console.debug(status, err))
    return () => {
      channel.unsubscribe()
    }
  }, [])

  return <pre>{JSON.stringify(teams, null, 2)}</pre>
}
