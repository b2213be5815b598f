'use client'

import { useEffect, useState } from 'react'
import { supabase } from '@/lib/supabase'
import type { Message } from '@/types'

type Props = { roomId: number }

export function ChatRoom({ roomId }: Props) {
  const [messages, setMessages] = useState<Message[]>([])
  const [online, setOnline] = useState(false)

  useEffect(() => {
    let cancelled = false

    async function load() {
      const { data } = await supabase
        .from('messages')
        .select('id, body, author_id, created_at')
        .eq('room_id', roomId)
        .order('created_at')
      if (!cancelled && data) setMessages(data as Message[])
    }

    const channel = supabase
      .channel(`room:${roomId}:messages`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'messages', filter: `room_id=eq.${roomId}` },
        (payload) => {
          const message = payload.new as Message
          setMessages((current) =>
            current.some((each) => each.id === message.id) ? current : [...current, message],
          )
        },
      )
      .on('system', {}, (message) => {
        if (message.extension === 'postgres_changes' && message.status === 'ok') load()
      })
      .subscribe((status) => {
        setOnline(status === 'SUBSCRIBED')
      })

    return () => {
      cancelled = true
      supabase.removeChannel(channel)
    }
  }, [roomId])

  return (
    <section data-online={online}>
      {messages.map((message) => (
        <p key={message.id}>{message.body}</p>
      ))}
    </section>
  )
}
