import { useEffect, useState } from 'react'
import { supabase } from '../../lib/supabase'

export default function Races({ races: initial }) {
  const [races, setRaces] = useState(initial)

  useEffect(() => {
    const channel = supabase
      .channel('races')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'races' }, (payload) =>
        setRaces((races) => [...races, payload.new])
      )
      .subscribe((status, error) => console.debug(status, error))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return races.map((race) => <a key={race.id} href={`/races/${race.id}`}>{race.name}</a>)
}
