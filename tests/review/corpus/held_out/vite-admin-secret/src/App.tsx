import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export default function App() {
  const [signups, setSignups] = useState(0)

  useEffect(() => {
    const channel = supabase
      .channel('admin')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'accounts' }, () => setSignups((n) => n + 1))
      .subscribe((status, error) => console.log(status, error))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return <p>{signups} new accounts</p>
}
