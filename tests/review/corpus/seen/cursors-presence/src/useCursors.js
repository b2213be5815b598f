import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function useCursors(boardId, user) {
  const [others, setOthers] = useState({})
  const [status, setStatus] = useState('connecting')

  useEffect(() => {
    const channel = supabase.channel(`board-${boardId}`, {
      config: { presence: { key: user.id } },
    })

    const handleMouseMove = (event) => {
      channel.track({ name: user.name, x: event.clientX, y: event.clientY })
    }

    channel
      .on('presence', { event: 'sync' }, () => {
        setOthers(channel.presenceState())
      })
      .subscribe((next) => {
        setStatus(next)
        if (next === 'SUBSCRIBED') window.addEventListener('mousemove', handleMouseMove)
      })

    return () => {
      window.removeEventListener('mousemove', handleMouseMove)
      supabase.removeChannel(channel)
    }
  }, [boardId, user.id, user.name])

  return { others, status }
}
