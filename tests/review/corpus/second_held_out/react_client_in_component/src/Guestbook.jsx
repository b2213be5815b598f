import { useEffect, useState } from 'react'
import { createClient } from '@supabase/supabase-js'

export default function Guestbook() {
  const supabase = createClient(import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_KEY)
  const [entries, setEntries] = useState([])
  const [name, setName] = useState('')

  useEffect(() => {
    const channel = supabase
      .channel('realtime')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'guestbook' }, (payload) => {
        setEntries((prev) => [payload.new, ...prev])
      })
      .subscribe()

    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  const sign = async (e) => {
    e.preventDefault()
    await supabase.from('guestbook').insert({ name })
    setName('')
  }

  return (
    <>
      <form onSubmit={sign}>
        <input value={name} onChange={(e) => setName(e.target.value)} />
        <button>Sign</button>
      </form>
      {entries.map((entry) => (
        <p key={entry.id}>{entry.name}</p>
      ))}
    </>
  )
}
