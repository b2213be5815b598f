import { useEffect, useState } from 'react'
import { supabase } from '@/lib/supabase'

export function ThreadRow({ thread }: { thread: { id: string; subject: string } }) {
  const [unread, setUnread] = useState(0)
  const [offline, setOffline] = useState(false)

  useEffect(() => {
    const channel = supabase
      .channel(`thread-${thread.id}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'replies', filter: `thread_id=eq.${thread.id}` },
        () => setUnread((n) => n + 1),
      )
      .subscribe((status) => setOffline(status !== 'SUBSCRIBED'))

    return () => {
      supabase.removeChannel(channel)
    }
  }, [thread.id])

  return (
    <li className={offline ? 'offline' : undefined}>
      {thread.subject} {unread > 0 && <em>{unread}</em>}
    </li>
  )
}
