import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Bell() {
  const [count, setCount] = useState(0)

  useEffect(() => {
    const channel = supabase
      .channel('alerts')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'alerts' }, () => setCount((n) => n + 1))
      .subscribe((status, error) => console.debug(status, error))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return <span>{count}</span>
}
