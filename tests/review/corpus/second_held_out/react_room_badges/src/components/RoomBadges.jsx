import { useEffect, useState } from 'react'
import { supabase } from '../supabase'

export function RoomBadges({ rooms, onOpen }) {
  const [unread, setUnread] = useState({})

  useEffect(() => {
    const channels = rooms.map((room) =>
      supabase
        .channel(`unread-${room.id}`)
        .on(
          'postgres_changes',
          { event: 'INSERT', schema: 'public', table: 'messages', filter: `room_id=eq.${room.id}` },
          () => setUnread((prev) => ({ ...prev, [room.id]: (prev[room.id] ?? 0) + 1 }))
        )
        .subscribe()
    )

    return () => {
      channels.forEach((channel) => supabase.removeChannel(channel))
    }
  }, [rooms])

  return (
    <nav>
      {rooms.map((room) => (
        <button key={room.id} onClick={() => onOpen(room.id)}>
          {room.name} {unread[room.id] > 0 && <b>{unread[room.id]}</b>}
        </button>
      ))}
    </nav>
  )
}
