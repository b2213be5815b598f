import { useRouter } from 'next/router'
import { useEffect, useState } from 'react'
import { supabase } from '../../lib/supabase'

export default function Race({ race: initial }) {
  const { query } = useRouter()
  const [race, setRace] = useState(initial)

  useEffect(() => {
    if (!query.id) return
    const channel = supabase
      .channel('races')
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'races', filter: `id=eq.${query.id}` },
        (payload) => setRace(payload.new)
      )
      .subscribe((status, error) => console.debug(status, error))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [query.id])

  return <h1>{race.name}</h1>
}
