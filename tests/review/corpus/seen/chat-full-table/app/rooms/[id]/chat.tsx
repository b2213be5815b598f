'use client'

import { useEffect, useState } from 'react'
import { supabase } from '@/lib/supabase'

interface Message {
  id: number
  room_id: number
  body: string
}

export default function Chat({ params }: { params: { id: string } }) {
  const roomId = Number(params.id)
  const [messages, setMessages] = useState<Message[]>([])

  useEffect(() => {
    const channel = supabase
      .channel('messages-feed')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages' }, (payload) => {
        if (payload.new.room_id === roomId) {
          setMessages((previous) => [...previous, payload.new as Message])
        }
      })
      .subscribe()

    return () => {
      supabase.removeChannel(channel)
    }
  }, [roomId])

  return (
    <ul>
      {messages.map((m) => (
        <li key={m.id}>{m.body}</li>
      ))}
    </ul>
  )
}
