import { useEffect, useState } from 'react'
import { supabase } from '../supabase'

export function Trip({ tripId }: { tripId: string }) {
  const [position, setPosition] = useState<[number, number]>()
  const [notes, setNotes] = useState<string[]>([])
  const [status, setStatus] = useState('')

  useEffect(() => {
    const positions = supabase
      .channel(`trip:${tripId}:position`, { config: { private: true } })
      .on('broadcast', { event: 'position' }, ({ payload }) => setPosition([payload.lat, payload.lng]))
      .subscribe(setStatus)

    const comments = supabase
      .channel(`trip-notes-${tripId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'notes', filter: `trip_id=eq.${tripId}` },
        (payload) => setNotes((all) => all.concat(payload.new.text)),
      )
      .subscribe(setStatus)

    return () => {
      supabase.removeChannel(positions)
    }
  }, [tripId])

  return <Map at={position} notes={notes} status={status} />
}
