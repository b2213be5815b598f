import { supabase } from './supabase.js'

export function watchRoom(roomId, { onMessage, onReaction, onStatus }) {
  const channel = supabase
    .channel(`room-${roomId}`)
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'messages', filter: `room_id=eq.${roomId}` },
      (payload) => onMessage(payload.new),
    )
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'reactions', filter: `room_id=eq.${roomId}` },
      (payload) => onReaction(payload.new),
    )
    .subscribe(onStatus)

  return () => supabase.removeChannel(channel)
}
