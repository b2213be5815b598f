import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Guestbook({ guest }: { guest: string }) {
  const [entries, setEntries] = useState<{ id: number; line: string }[]>([])

  useEffect(() => {
    const channel = supabase
      .channel('guestbook')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'guestbook' }, (payload) => {
        setEntries((entries) => [...entries, payload.new as { id: number; line: string }])
      })
      .subscribe(async (status, error) => {
        if (error) console.error(error)
        if (status === 'SUBSCRIBED') {
          await supabase.from('guestbook').insert({ line: `${guest} is here` })
        }
      })

    return () => {
      supabase.removeChannel(channel)
    }
  }, [guest])

  return entries.map((entry) => <p key={entry.id}>{entry.line}</p>)
}
