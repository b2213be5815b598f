import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Rooms({ room }: { room: string }) {
  const [messages, setMessages] = useState<any[]>([])
  const [unread, setUnread] = useState<Record<string, number>>({})
  const [status, setStatus] = useState('')

  useEffect(() => {
    supabase
      .from('messages')
      .select('id, body')
      .eq('room', room)
      .then(({ data }) => setMessages(data ?? []))
  }, [room])

  useEffect(() => {
    const channel = supabase
      .channel('unread')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages' }, (payload) => {
        setUnread((all) => ({ ...all, [payload.new.room]: (all[payload.new.room] ?? 0) + 1 }))
      })
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return <aside title={status}>{messages.length} {Object.keys(unread).length}</aside>
}
