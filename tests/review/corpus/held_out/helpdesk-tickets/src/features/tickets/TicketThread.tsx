import { useEffect, useState } from 'react'
import { supabase } from '../../lib/supabaseClient'

interface Reply {
  id: string
  ticket_id: string
  agent: string
  text: string
}

export function TicketThread({ ticketId }: { ticketId: string }) {
  const [replies, setReplies] = useState<Reply[]>([])

  useEffect(() => {
    const fetchReplies = async () => {
      const { data, error } = await supabase.from('replies').select().eq('ticket_id', ticketId).order('id')
      if (error) console.error(error)
      else setReplies(data)
    }
    fetchReplies()

    const sub = supabase
      .channel('replies-feed')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'replies' }, ({ new: reply }) => {
        if (reply.ticket_id !== ticketId) return
        setReplies((prev) => [...prev, reply as Reply])
      })
      .subscribe((status, err) => {
        if (err) console.error('replies feed', status, err)
      })

    return () => void supabase.removeChannel(sub)
  }, [ticketId])

  return (
    <ul>
      {replies.map((reply) => (
        <li key={reply.id}>
          <strong>{reply.agent}</strong> {reply.text}
        </li>
      ))}
    </ul>
  )
}
