import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Inbox({ userId, folder = 'in' }: { userId: string; folder?: string }) {
  const [count, setCount] = useState(0)
  const [status, setStatus] = useState('')
  const labels = ['unread', folder]

  useEffect(() => {
    const channel = supabase
      .channel(`mail:${userId}:${labels.join('+')}`)
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'mail', filter: `owner=eq.${userId}` }, () =>
        setCount((n) => n + 1),
      )
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [userId, labels])

  return <a href="/mail" title={status}>{count}</a>
}
