import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Header() {
  const [count, setCount] = useState(0)
  const [status, setStatus] = useState('')

  useEffect(() => {
    const channel = supabase
      .channel('presence-of-all')
      .on('presence', { event: 'sync' }, () => setCount(Object.keys(channel.presenceState()).length))
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return <header title={status}>{count} online</header>
}
